import type { AuthErrorCode } from '../../lib/errors.ts'
import { bodies } from './bodies.ts'
import { json, loginPage, noContent, page, redirect } from './successes.ts'
import type { Operation, Schema } from './types.ts'

/** HTTPS, configuration, and bugs: possible on any route. */
const ANY: readonly AuthErrorCode[] = ['https_required', 'configuration_error', 'internal_error']
const CHANGES: readonly AuthErrorCode[] = [...ANY, 'cross_site_request']
const BODY: readonly AuthErrorCode[] = [...CHANGES, 'invalid_request', 'payload_too_large', 'unsupported_media_type']
const SESSION: readonly AuthErrorCode[] = ['unauthenticated', 'session_expired', 'session_unavailable']
const MFA: readonly AuthErrorCode[] = ['mfa_expired', 'session_unavailable', 'auth_unavailable']
const REFUSED: readonly AuthErrorCode[] = [
  ...(['invalid_credentials', 'mfa_required', 'interaction_required', 'account_blocked', 'password_leaked'] as const),
  ...(['password_change_required', 'access_denied', 'too_many_attempts', 'rate_limited'] as const),
  ...(['session_expired', 'auth_unavailable', 'session_unavailable'] as const),
]

const ACCOUNT: readonly AuthErrorCode[] = [
  ...(['interaction_required', 'password_leaked', 'access_denied', 'too_many_attempts'] as const),
  ...(['rate_limited', 'auth_unavailable'] as const),
]

const query = (name: string, description: string): Schema => ({
  ...{ name, in: 'query', description, schema: { type: 'string' } },
})

export const operations: Operation[] = [
  {
    ...{
      method: 'post',
      path: '/login',
      id: 'login',
      isLimited: true,
      tag: 'Session',
      summary: 'Log in with a password',
      cookies: [200, 303, 403],
    },
    ...{ body: bodies.Login, success: [json('LoggedIn'), page], errors: [...BODY, ...REFUSED] },
  },
  {
    ...{ method: 'get', path: '/user', id: 'user', tag: 'Session', summary: 'Who is logged in', security: 'session' },
    ...{ success: [json('User'), loginPage], errors: [...ANY, ...SESSION] },
  },
  {
    ...{
      method: 'post',
      path: '/logout',
      id: 'logout',
      tag: 'Session',
      summary: 'Log out',
      cookies: [200, 303, 500, 503],
    },
    ...{ success: [json('LoggedOut'), page], errors: [...CHANGES, 'session_unavailable'] },
  },
  {
    ...{ method: 'get', path: '/sessions', id: 'listSessions', tag: 'Session', security: 'session' },
    summary: 'Where the user is logged in',
    ...{ success: [json('Sessions'), loginPage], errors: [...ANY, ...SESSION] },
  },
  {
    ...{ method: 'delete', path: '/sessions', id: 'revokeOtherSessions', tag: 'Session', security: 'session' },
    summary: 'End all other sessions of the user',
    ...{ success: [noContent], errors: [...CHANGES, ...SESSION] },
  },
  {
    ...{ method: 'delete', path: '/sessions/{id}', id: 'revokeSession', tag: 'Session', security: 'session' },
    summary: 'End one session of the user',
    description: '204 for an id of somebody else or of nobody, too.',
    parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
    cookies: [204],
    ...{ success: [noContent], errors: [...CHANGES, ...SESSION, 'invalid_request'] },
  },
  {
    ...{
      method: 'get',
      path: '/mfa/authenticators',
      id: 'listAuthenticators',
      isLimited: true,
      tag: 'MFA',
      security: 'mfa',
    },
    ...{ summary: 'Second factors of the user', description: "Only with the option `mfa: 'api'`, as all of MFA." },
    ...{
      success: [json('Authenticators'), loginPage],
      errors: [...ANY, ...MFA, 'invalid_request', 'access_denied', 'too_many_attempts', 'rate_limited'],
    },
  },
  {
    ...{ method: 'post', path: '/mfa/challenge', id: 'challenge', isLimited: true, tag: 'MFA', security: 'mfa' },
    ...{ summary: 'Send a code or a push notification', body: bodies.MfaChallenge },
    ...{
      success: [json('Challenged'), page],
      errors: [...BODY, ...MFA, 'access_denied', 'too_many_attempts', 'rate_limited'],
    },
  },
  {
    ...{ method: 'post', path: '/mfa/verify', id: 'verify', isLimited: true, tag: 'MFA', security: 'mfa' },
    summary: 'Prove the second factor, and log in',
    description: 'One proof. An empty body asks whether a push notification was answered.',
    body: bodies.MfaVerify,
    cookies: [200, 303],
    success: [json('Verified'), page],
    errors: [...BODY, ...MFA, ...REFUSED, 'mfa_pending', 'invalid_mfa_code', 'mfa_denied'],
  },
  {
    ...{ method: 'post', path: '/mfa/enroll', id: 'enroll', isLimited: true, tag: 'MFA', security: 'mfa' },
    ...{ summary: 'Set up a first second factor', body: bodies.MfaEnroll },
    ...{
      success: [json('Enrollment'), page],
      errors: [...BODY, ...MFA, 'access_denied', 'too_many_attempts', 'rate_limited'],
    },
  },
  {
    ...{ method: 'get', path: '/login', id: 'interactiveLogin', isLimited: true, tag: 'Interactive login' },
    ...{ summary: "Go to Auth0's login page", description: 'Only with the option `interactive`.' },
    parameters: [
      query('return_to', 'Path of your app to come back to.'),
      query('login_hint', 'The username, filled in on the login page.'),
      query('connection', 'The connection of Auth0 to use.'),
    ],
    cookies: [302],
    success: [redirect(302, 'To Auth0; to the login page with `error` if that fails, with the option `pages`.')],
    errors: [...ANY, 'rate_limited', 'auth_unavailable', 'session_unavailable'],
  },
  {
    ...{ method: 'get', path: '/callback', id: 'callback', tag: 'Interactive login', security: 'browser' },
    ...{ summary: 'Come back from Auth0', description: 'Only with the option `interactive`.' },
    parameters: [query('code', 'From Auth0.'), query('state', 'From Auth0.'), query('error', 'From Auth0.')],
    cookies: [302],
    success: [
      redirect(
        302,
        'To `return_to`, with the session cookie; to the login page with `error` if that fails, with the option `pages`.',
      ),
    ],
    errors: [...ANY, ...REFUSED.filter((code) => code !== 'rate_limited'), 'login_transaction_missing'],
  },
  {
    ...{
      method: 'post',
      path: '/signup',
      id: 'signup',
      isLimited: true,
      tag: 'Accounts',
      summary: 'Create an account',
    },
    ...{ description: 'Only with the option `signup`. It does not log the user in.', body: bodies.Signup },
    success: [json('Account', 201), page],
    errors: [...BODY, ...ACCOUNT.filter((code) => code !== 'access_denied'), 'signup_rejected', 'weak_password'],
  },
  {
    ...{ method: 'post', path: '/password-reset', id: 'resetPassword', isLimited: true, tag: 'Accounts' },
    summary: 'Send an email with a link to reset the password',
    description: 'Only with the option `passwordReset`. 202 for unknown addresses, too.',
    body: bodies.PasswordReset,
    success: [json('Done', 202), page],
    errors: [...BODY, ...ACCOUNT],
  },
  {
    ...{ method: 'post', path: '/backchannel-logout', id: 'backchannelLogout', tag: 'Interactive login' },
    ...{ summary: 'End sessions that Auth0 has ended', description: 'Only with the option `backchannelLogout`.' },
    ...{ body: bodies.BackchannelLogout, isForm: true, success: [json('Done'), page] },
    errors: [...BODY, 'auth_unavailable', 'session_unavailable'],
  },
]
