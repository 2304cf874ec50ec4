import { describe, expect, it } from '@jest/globals'
import {
  requestPasswordReset,
  signUp,
  type PasswordResetArguments,
  type SignUpArguments,
} from '../../lib/auth0/database-connections.ts'
import { passwordGrant } from '../../lib/auth0/password-grant.ts'
import type { EmulatorTenant, Fault } from '../../lib/testing/index.ts'
import { ada } from '../support/app.ts'
import { failureOf, shownBy, startTenant } from './tenant.ts'

const connection = 'Username-Password-Authentication'
const bob = { email: 'bob@example.com', password: 'Correct-Horse-1', connection }
const SIGNUP = '/dbconnections/signup'
const RESET = '/dbconnections/change_password'

describe('signUp', () => {
  it('creates an account with the sub that it logs in with', async () => {
    const tenant = await startTenant()
    const signedUp = await signUp(tenant, { ...bob, name: 'Bob', user_metadata: { plan: 'gold' } })
    expect(signedUp).toEqual({ id: expect.stringMatching(/^auth0\|[0-9a-f]{24}$/), email: bob.email })
    const { claims } = await passwordGrant(tenant, { username: bob.email, password: bob.password })
    expect(claims).toMatchObject({ sub: signedUp.id, name: 'Bob' })
  })

  it('sends the given fields and the client id, but no client secret', async () => {
    const { emulator, ...tenant } = await startTenant()
    await signUp(tenant, { ...bob, username: 'bob', family_name: 'B.', nickname: undefined })
    const { params, headers } = emulator.requestsTo(SIGNUP)[0]!
    expect(params).toEqual({
      client_id: emulator.clientId,
      email: bob.email,
      connection,
      username: 'bob',
      family_name: 'B.',
    })
    expect(headers).toMatchObject({ 'content-type': 'application/json' })
    expect(headers).not.toHaveProperty('authorization')
  })

  it('responds the same for an existing account, regardless of the tenant setting', async () => {
    const tenant = await startTenant()
    const existing = { email: ada.email, password: bob.password, connection }
    const masked = await failureOf(signUp(tenant, existing))
    tenant.emulator.tenant.genericSignupErrors = false
    const told = await failureOf(signUp(tenant, existing))
    tenant.emulator.tenant.signupsDisabled = true
    const disabled = await failureOf(signUp(tenant, bob))
    expect([masked, told, disabled].map((err) => err.auth0?.error)).toEqual([
      'invalid_signup',
      'user_exists',
      'invalid_signup',
    ])
    for (const err of [masked, told, disabled]) {
      expect([err.status, err.toJSON()]).toEqual([
        400,
        { success: false, error: 'signup_rejected', message: 'The account could not be created.' },
      ])
    }
  })

  it.each<[string, Partial<EmulatorTenant>, object, string]>([
    ['a taken username', { genericSignupErrors: false }, { username: 'ada' }, 'signup_rejected'],
    ['a missing username', { requiresUsername: true }, {}, 'signup_rejected'],
    ['an Action that denies', { signupDenied: 'Invitation only' }, {}, 'signup_rejected'],
    ['an unknown connection', {}, { connection: 'nowhere' }, 'signup_rejected'],
    ['a captcha', { signupCaptcha: true }, {}, 'interaction_required'],
    ['a breached password', {}, { password: 'AUTH0-TEST-1a' }, 'password_leaked'],
    ['a throttled address', { signupLimit: 0 }, {}, 'too_many_attempts'],
  ])('rejects for %s', async (_name, settings, fields, code) => {
    const users = [{ ...ada, username: 'ada' }]
    const tenant = await startTenant({ emulator: { ...settings, users } })
    const err = await failureOf(signUp(tenant, { ...bob, ...fields }))
    expect(err.code).toBe(code)
    expect(err.toJSON()).toEqual({ success: false, error: code, message: expect.any(String) })
  })

  it('contains the policy and the rules of a weak password, with complete messages', async () => {
    const tenant = await startTenant({ emulator: { passwordPolicy: { level: 'excellent' } } })
    const err = await failureOf(signUp(tenant, { ...bob, password: 'aaa' }))
    const kinds = [
      { code: 'lowerCase', message: 'lower case letters (a-z)', verified: true },
      { code: 'upperCase', message: 'upper case letters (A-Z)', verified: false },
      { code: 'numbers', message: 'numbers (i.e. 0-9)', verified: false },
      { code: 'specialCharacters', message: 'special characters (e.g. !@#$%^&*)', verified: false },
    ]
    expect(err.status).toBe(400)
    expect(err.toJSON()).toEqual({
      success: false,
      error: 'weak_password',
      message: 'Please choose a stronger password.',
      policy: expect.stringContaining('* At least 10 characters in length\n'),
      rules: [
        { code: 'lengthAtLeast', message: 'At least 10 characters in length', verified: false },
        {
          code: 'containsAtLeast',
          message: 'Contain at least 3 of the following 4 types of characters:',
          verified: false,
          items: kinds,
        },
        {
          code: 'identicalChars',
          message: 'No more than 2 identical characters in a row (e.g., "aaa" not allowed)',
          verified: false,
        },
      ],
    })
    expect(err.auth0).toMatchObject({ status: 400 })
  })

  it.each<[string, EmulatorTenant['passwordPolicy'], string, string]>([
    ['a common password', { dictionary: ['Password-1'] }, 'password-1', 'Password is too common'],
    ['a password with the address', { noUserInfo: true }, 'Bob-is-1-user', 'Password contains user information'],
  ])('contains a message for %s', async (_name, passwordPolicy, password, policy) => {
    const tenant = await startTenant({ emulator: { passwordPolicy: { level: 'low', ...passwordPolicy } } })
    const err = await failureOf(signUp(tenant, { ...bob, password }))
    expect(err.toJSON()).toMatchObject({ error: 'weak_password', policy })
    expect(err.toJSON()).not.toHaveProperty('rules')
  })

  const description = 'You may not reuse any of the last 2 passwords. This password was used a day ago.'
  const reused = {
    name: 'PasswordHistoryError',
    code: 'invalid_password',
    message: 'Password has previously been used',
  }

  it.each<[string, unknown, object]>([
    ['a reused password', { ...reused, description }, { policy: description }],
    ['nothing but a code', { code: 'invalid_password' }, {}],
    ['rules of another shape', { code: 'invalid_password', description: { rules: 'x' } }, {}],
    [
      'rules with holes',
      {
        code: 'invalid_password',
        description: { rules: [null, 1, { code: 'a' }, { code: 'b', message: '%d %s %d', format: [1, {}] }] },
      },
      { rules: [{ code: 'b', message: '1 %s %d', verified: false }] },
    ],
    [
      'a text that repeats the password',
      {
        code: 'invalid_password',
        policy: `not ${bob.password}!`,
        description: { rules: [{ code: 'x', message: '%s', format: [bob.password] }] },
      },
      {},
    ],
  ])('reads the refusal with %s', async (_name, body, members) => {
    const tenant = await startTenant()
    tenant.emulator.failNext({ path: SIGNUP, status: 400, body })
    const err = await failureOf(signUp(tenant, bob))
    expect(err.toJSON()).toEqual({ success: false, error: 'weak_password', message: expect.any(String), ...members })
    expect(shownBy(err)).not.toContain(bob.password)
  })

  it.each<[string, Fault, string]>([
    ['an Action of older tenants', { status: 400, body: { code: 'hook_error', description: 'x' } }, 'signup_rejected'],
    ['a name alone', { status: 400, body: { name: 'BadRequestError' } }, 'signup_rejected'],
    ['an access_denied', { status: 403, body: { error: 'access_denied' } }, 'signup_rejected'],
    ['bot detection', { status: 401, body: { code: 'requires_verification' } }, 'interaction_required'],
    ['an unknown client', { status: 400, body: { code: 'invalid_client' } }, 'configuration_error'],
    ['a throttled tenant', { status: 429, body: { code: 'too_many_requests' } }, 'auth_unavailable'],
    ['an outage', { status: 502, body: '<html>' }, 'auth_unavailable'],
    ['a redirect', { status: 302, headers: { location: '/x' } }, 'auth_unavailable'],
    ['a lost connection', { reset: true }, 'auth_unavailable'],
    ['an account without an id', { status: 200, body: { email: 'x' } }, 'auth_unavailable'],
    ['HTML for success', { status: 200, body: '<html>' }, 'auth_unavailable'],
  ])('rejects for %s', async (_name, fault, code) => {
    const tenant = await startTenant()
    tenant.emulator.failNext({ path: SIGNUP, ...fault })
    expect(await failureOf(signUp(tenant, bob))).toMatchObject({ code })
  })

  it('accepts an id with its prefix', async () => {
    const tenant = await startTenant()
    tenant.emulator.failNext({ path: SIGNUP, status: 200, body: { id: 'custom|7' } })
    expect(await signUp(tenant, bob)).toEqual({ id: 'custom|7', email: bob.email })
  })

  it('keeps a password out of an error that echoes it', async () => {
    const tenant = await startTenant()
    const body = { code: 'invalid_signup', description: `no ${bob.password}` }
    tenant.emulator.failNext({ path: SIGNUP, status: 400, body })
    const err = await failureOf(signUp(tenant, bob))
    expect(err.auth0?.description).toBe('[concealed]')
    expect(shownBy(err)).not.toContain(bob.password)
  })

  it('does not wait longer than the deadline', async () => {
    const tenant = await startTenant({ options: { timeouts: { auth0: 100 } } })
    tenant.emulator.failNext({ path: SIGNUP, hang: true })
    expect(await failureOf(signUp(tenant, bob))).toMatchObject({ code: 'auth_unavailable' })
  })

  it.each([
    ['email', { email: '' }],
    ['password', { password: 1 }],
    ['connection', { connection: undefined }],
    ['name', { name: {} }],
    ['user_metadata', { user_metadata: [] }],
    ['user_metadata', { user_metadata: 'x' }],
    ['user_metadata', { user_metadata: { a: 1 } }],
    ['user_metadata', { user_metadata: { a: 'x'.repeat(501) } }],
    [
      'user_metadata',
      { user_metadata: Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`k${index}`, 'v'])) },
    ],
  ])('does not call Auth0 if %s is missing or of another type', async (field, fields) => {
    const tenant = await startTenant()
    const err = await failureOf(signUp(tenant, { ...bob, ...fields } as SignUpArguments))
    expect(err).toMatchObject({ code: 'invalid_request', body: { fields: { [field]: expect.any(String) } } })
    expect(tenant.emulator.requests).toEqual([])
  })
})

describe('requestPasswordReset', () => {
  it('resolves the same way for known and unknown addresses', async () => {
    const { emulator, ...tenant } = await startTenant()
    await expect(requestPasswordReset(tenant, { email: ada.email, connection })).resolves.toBeUndefined()
    await expect(requestPasswordReset(tenant, { email: 'nobody@example.com', connection })).resolves.toBeUndefined()
    expect(emulator.resets.map(({ email }) => email)).toEqual([ada.email])
    expect(emulator.requestsTo(RESET)[0]!.params).toEqual({
      client_id: emulator.clientId,
      email: ada.email,
      connection,
    })
  })

  it('resolves the same way for an address of an enterprise connection', async () => {
    const tenant = await startTenant({ emulator: { enterpriseDomains: ['example.com'] } })
    await expect(requestPasswordReset(tenant, { email: ada.email, connection })).resolves.toBeUndefined()
    expect(tenant.emulator.resets).toEqual([])
  })

  it('names the setting for an unknown connection', async () => {
    const tenant = await startTenant()
    const err = await failureOf(requestPasswordReset(tenant, { email: ada.email, connection: 'nowhere' }))
    expect(err.code).toBe('configuration_error')
    expect(err.detail).toContain('Authentication > Database')
  })

  it('passes on Retry-After after too many requests', async () => {
    const tenant = await startTenant({ emulator: { resetLimit: 1 } })
    await requestPasswordReset(tenant, { email: ada.email, connection })
    const err = await failureOf(requestPasswordReset(tenant, { email: ada.email, connection }))
    expect(err.code).toBe('auth_unavailable')
    expect(Number(err.headers['Retry-After'])).toBeGreaterThan(0)
  })

  it.each<[string, Fault, string]>([
    ['an IP that tried too often', { status: 429, body: { code: 'too_many_attempts' } }, 'too_many_attempts'],
    ['a captcha', { status: 400, body: { code: 'invalid_captcha' } }, 'interaction_required'],
    ['a refusal that nobody knows', { status: 400, body: { error: 'missing something' } }, 'configuration_error'],
    ['an outage', { status: 500 }, 'auth_unavailable'],
    ['a lost connection', { reset: true }, 'auth_unavailable'],
  ])('rejects for %s', async (_name, fault, code) => {
    const tenant = await startTenant()
    tenant.emulator.failNext({ path: RESET, ...fault })
    expect(await failureOf(requestPasswordReset(tenant, { email: ada.email, connection }))).toMatchObject({ code })
  })

  it.each(['email', 'connection'])('needs %s', async (field) => {
    const tenant = await startTenant()
    const given = { email: ada.email, connection, [field]: '' } as PasswordResetArguments
    expect(await failureOf(requestPasswordReset(tenant, given))).toMatchObject({ argument: field })
  })
})
