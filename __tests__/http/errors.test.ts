import { describe, expect, it } from '@jest/globals'
import type { ErrorRequestHandler, Express } from 'express'
import request, { type Response } from 'supertest'
import { ERRORS, type AuthErrorCode } from '../../lib/errors.ts'
import {
  ApiError,
  AuthError,
  ConfigurationError,
  MfaRequiredError,
  type RopgAuth,
  type RopgAuthOptions,
  TokenByPasswordError,
} from '../../lib/index.ts'
import { type EmulatorUser, startAuth0Emulator, signIn } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { cookieOf, refusal } from './wire.ts'

const credentials = { email: ada.email, password: ada.password }
const links = { loginUrl: 'https://app.example.com/continue', recoveryUrl: 'https://app.example.com/recover' }
const login_url = links.loginUrl
const recovery_url = links.recoveryUrl

/** Checks that apply to every refused login. */
function expectRefusal(app: TestApp, response: Response, { status, code, more = {} }: Refused) {
  expect(response.status).toBe(status)
  expect(response.body).toEqual(refusal(code, more))
  expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(response.headers['cache-control']).toBe('no-store')
  expect(response.headers['set-cookie']).toBeUndefined()
  expect(app.events.map((event) => [event.name, event.code, event.userName])).toEqual([
    [code === 'mfa_required' ? 'mfa.required' : 'login.failed', code, ada.email],
  ])
  expect(app.logged).toHaveLength(1)
}

interface Refused {
  status: number
  code: AuthErrorCode
  more?: object
}

describe('POST /login: refused for the state of an account', () => {
  it.each<[string, Partial<EmulatorUser>, number, AuthErrorCode, object]>([
    ['blocked by an administrator', { blocked: true }, 403, 'account_blocked', { recovery_url }],
    ['with a breached password', { leaked: true }, 403, 'password_leaked', { recovery_url }],
    ['suspected of being a bot', { requiresVerification: true }, 403, 'interaction_required', { login_url }],
    ['that an Action redirects', { interactionRequired: true }, 403, 'interaction_required', { login_url }],
    ['with a second factor', { mfa: true }, 403, 'mfa_required', { login_url }],
    [
      'with a second factor to enrol',
      { mfa: { requirements: { enroll: [{ type: 'otp' }] } } },
      403,
      'mfa_required',
      { login_url },
    ],
    ['with an expired password', { passwordExpired: true }, 403, 'password_change_required', { recovery_url }],
    ['with a password to change', { passwordChangeRequired: true }, 403, 'password_change_required', { recovery_url }],
    ['that an Action denies', { denied: 'not on the guest list' }, 403, 'access_denied', {}],
    ['that a Rule denies', { ruleError: 'only on working days' }, 403, 'access_denied', {}],
    ['with too many logins', { tooManyLogins: true }, 429, 'too_many_attempts', { recovery_url }],
  ])('%s', async (_, flags, status, code, more) => {
    const app = await startApp({ options: links, emulator: { users: [{ ...ada, ...flags }] } })

    const response = await app.login()

    expectRefusal(app, response, { status, code, more })
    expect(app.emulator.requestsTo('/oauth/token')).toHaveLength(1)
  })

  it('gives the same answer for a wrong password and for an unknown user', async () => {
    const app = await startApp({ options: links })

    const wrong = await app.login({ ...credentials, password: 'wrong' })
    const unknown = await app.login({ email: 'nobody@example.com', password: 'wrong' })

    expect(wrong.status).toBe(401)
    expect(wrong.body).toEqual(refusal('invalid_credentials'))
    expect([unknown.status, unknown.text]).toEqual([wrong.status, wrong.text])
    const headersOf = ({ headers }: Response) => Object.keys(headers).sort()
    expect(headersOf(unknown)).toEqual(headersOf(wrong))
  })

  it('blocks the account after too many wrong passwords, then for the right one too', async () => {
    const app = await startApp({ options: links, emulator: { bruteForceThreshold: 2 } })
    await app.login({ ...credentials, password: 'wrong' }).expect(401)
    await app.login({ ...credentials, password: 'wrong' }).expect(401)

    const response = await app.login()

    expect(response.status).toBe(429)
    expect(response.body).toEqual(refusal('too_many_attempts', { recovery_url }))
    expect(response.headers['retry-after']).toBeUndefined()
    expect(response.headers['set-cookie']).toBeUndefined()
  })
})

interface Answer {
  status: number
  body?: unknown
  headers?: Record<string, string>
}

const oauth = (status: number, error: string, error_description?: string): Answer => ({
  status,
  body: { error, ...(error_description !== undefined && { error_description }) },
})

const BLOCKED_ADDRESS = 'We have detected suspicious login behavior and further attempts will be blocked.'
const html = (status: number): Answer => ({
  status,
  body: '<html><h1>upstream stack trace</h1></html>',
  headers: { 'content-type': 'text/html' },
})

type Class = typeof AuthError | typeof ConfigurationError | typeof ApiError | typeof MfaRequiredError

const REFUSALS: [title: string, answer: Answer, status: number, code: AuthErrorCode, more: object, type: Class][] = [
  // Wrong credentials
  [
    '403 invalid_grant',
    oauth(403, 'invalid_grant', 'Wrong email or password.'),
    401,
    'invalid_credentials',
    {},
    TokenByPasswordError,
  ],
  ['400 invalid_grant', oauth(400, 'invalid_grant'), 401, 'invalid_credentials', {}, TokenByPasswordError],
  [
    '401 invalid_user_password',
    oauth(401, 'invalid_user_password', 'Wrong email or password.'),
    401,
    'invalid_credentials',
    {},
    TokenByPasswordError,
  ],
  // The account
  [
    '401 user is blocked',
    oauth(401, 'unauthorized', 'user is blocked'),
    403,
    'account_blocked',
    { recovery_url },
    TokenByPasswordError,
  ],
  [
    '403 user is blocked',
    oauth(403, 'unauthorized', 'user is blocked'),
    403,
    'account_blocked',
    { recovery_url },
    TokenByPasswordError,
  ],
  [
    '403 access_denied user is blocked',
    oauth(403, 'access_denied', 'user is blocked'),
    403,
    'account_blocked',
    { recovery_url },
    TokenByPasswordError,
  ],
  [
    '429 too_many_attempts',
    oauth(429, 'too_many_attempts', 'Your account has been blocked'),
    429,
    'too_many_attempts',
    { recovery_url },
    TokenByPasswordError,
  ],
  [
    '429 too_many_attempts of an address',
    oauth(429, 'too_many_attempts', BLOCKED_ADDRESS),
    429,
    'too_many_attempts',
    { recovery_url },
    TokenByPasswordError,
  ],
  [
    '429 too_many_logins',
    oauth(429, 'too_many_logins'),
    429,
    'too_many_attempts',
    { recovery_url },
    TokenByPasswordError,
  ],
  [
    '401 password_leaked',
    oauth(401, 'password_leaked', 'This login attempt has been blocked'),
    403,
    'password_leaked',
    { recovery_url },
    TokenByPasswordError,
  ],
  [
    '401 password_expired',
    oauth(401, 'password_expired'),
    403,
    'password_change_required',
    { recovery_url },
    TokenByPasswordError,
  ],
  [
    '403 password_change_required',
    oauth(403, 'password_change_required'),
    403,
    'password_change_required',
    { recovery_url },
    TokenByPasswordError,
  ],
  [
    '401 requires_verification',
    oauth(401, 'requires_verification', 'Suspicious request requires verification'),
    403,
    'interaction_required',
    { login_url },
    TokenByPasswordError,
  ],
  [
    '401 requires_validation',
    oauth(401, 'requires_validation'),
    403,
    'interaction_required',
    { login_url },
    TokenByPasswordError,
  ],
  [
    '403 interaction_required',
    oauth(403, 'interaction_required'),
    403,
    'interaction_required',
    { login_url },
    TokenByPasswordError,
  ],
  [
    '403 mfa_required',
    { status: 403, body: { error: 'mfa_required', mfa_token: 'Fe26.2*abc' } },
    403,
    'mfa_required',
    { login_url },
    MfaRequiredError,
  ],
  [
    '401 mfa_required without a token',
    oauth(401, 'mfa_required'),
    403,
    'mfa_required',
    { login_url },
    MfaRequiredError,
  ],
  // An Action, a Rule, a custom database
  [
    '403 access_denied',
    oauth(403, 'access_denied', 'db-7.internal says no'),
    403,
    'access_denied',
    {},
    TokenByPasswordError,
  ],
  ['403 access_denied without a word', oauth(403, 'access_denied'), 403, 'access_denied', {}, TokenByPasswordError],
  [
    '401 unauthorized',
    oauth(401, 'unauthorized', 'only on working days'),
    403,
    'access_denied',
    {},
    TokenByPasswordError,
  ],
  [
    '400 with a code that nobody knows',
    oauth(400, 'account_frozen', 'db-7.internal'),
    403,
    'access_denied',
    {},
    TokenByPasswordError,
  ],
  [
    '403 with code and description',
    { status: 403, body: { code: 'invalid_user_password', description: 'no' } },
    401,
    'invalid_credentials',
    {},
    TokenByPasswordError,
  ],
  // Auth0 outages
  [
    '429 too_many_requests',
    oauth(429, 'too_many_requests', 'Global limit has been reached'),
    503,
    'auth_unavailable',
    {},
    ApiError,
  ],
  ['403 too_many_requests', oauth(403, 'too_many_requests'), 503, 'auth_unavailable', {}, ApiError],
  ['429 with another code', oauth(429, 'access_denied', 'Rate limit exceeded.'), 503, 'auth_unavailable', {}, ApiError],
  ['429 in HTML', html(429), 503, 'auth_unavailable', {}, ApiError],
  ['429 without a body', { status: 429 }, 503, 'auth_unavailable', {}, ApiError],
  ['503 temporarily_unavailable', oauth(503, 'temporarily_unavailable'), 503, 'auth_unavailable', {}, ApiError],
  ['500 server_error', oauth(500, 'server_error', 'boom'), 503, 'auth_unavailable', {}, ApiError],
  ['500 invalid_grant', oauth(500, 'invalid_grant', 'Wrong email or password.'), 503, 'auth_unavailable', {}, ApiError],
  ['502 in HTML', html(502), 503, 'auth_unavailable', {}, ApiError],
  ['504 without a body', { status: 504 }, 503, 'auth_unavailable', {}, ApiError],
  ['403 in HTML', html(403), 503, 'auth_unavailable', {}, ApiError],
  ['403 without a body', { status: 403 }, 503, 'auth_unavailable', {}, ApiError],
  ['403 with an empty object', { status: 403, body: {} }, 503, 'auth_unavailable', {}, ApiError],
  [
    '403 with broken JSON',
    { status: 403, body: '{"error":"invalid_gr', headers: { 'content-type': 'application/json' } },
    503,
    'auth_unavailable',
    {},
    ApiError,
  ],
  ['403 with a list', { status: 403, body: ['invalid_grant'] }, 503, 'auth_unavailable', {}, ApiError],
  [
    '302 to a maintenance page',
    { status: 302, headers: { location: 'https://status.example.com/' } },
    503,
    'auth_unavailable',
    {},
    ApiError,
  ],
  ['200 in HTML', html(200), 503, 'auth_unavailable', {}, ApiError],
  ['200 without a body', { status: 200 }, 503, 'auth_unavailable', {}, ApiError],
  ['200 without tokens', { status: 200, body: {} }, 503, 'auth_unavailable', {}, ApiError],
  [
    '200 without an access token',
    { status: 200, body: { token_type: 'Bearer' } },
    503,
    'auth_unavailable',
    {},
    ApiError,
  ],
  [
    '200 without an ID token',
    { status: 200, body: { access_token: 'a', token_type: 'Bearer', expires_in: 60 } },
    503,
    'auth_unavailable',
    {},
    ApiError,
  ],
  [
    '200 with an ID token of a wrong type',
    { status: 200, body: { access_token: 'a', token_type: 'Bearer', id_token: 7 } },
    503,
    'auth_unavailable',
    {},
    ApiError,
  ],
]

describe('POST /login: refused by Auth0', () => {
  it.each(REFUSALS)('%s', async (_title, answer, status, code, more) => {
    const app = await startApp({ options: links })
    app.emulator.failNext(answer)

    const response = await app.login()

    expectRefusal(app, response, { status, code, more })
    expect(response.headers['retry-after']).toBe(status === 503 ? '5' : undefined)
    expect(app.emulator.requestsTo('/oauth/token')).toHaveLength(1)
  })

  it.each(REFUSALS)('%s: the class of the error', async (_title, answer, status, code, _more, type) => {
    const app = await startApp({ options: links })
    app.emulator.failNext(answer)

    const error: unknown = await app.auth.client
      .getTokenByPassword({ username: ada.email, password: ada.password })
      .catch((err: unknown) => err)

    expect(error).toBeInstanceOf(type)
    expect(error).toBeInstanceOf(AuthError)
    expect(error).toMatchObject({ name: type.name, code, status })
    expect(app.emulator.requestsTo('/oauth/token')).toHaveLength(1)
  })

  it('revokes the refresh token of an answer without an ID token', async () => {
    const app = await startApp()
    app.emulator.failNext({
      status: 200,
      body: { access_token: 'a', token_type: 'Bearer', expires_in: 60, refresh_token: 'issued' },
    })
    const revocation = app.emulator.hold({ path: '/oauth/revoke' })

    await app.login({ email: ada.email, password: ada.password, remember_me: true }).expect(503)

    await revocation.arrived
    revocation.release()
    expect(app.emulator.requestsTo('/oauth/revoke').map(({ params }) => params.token)).toEqual(['issued'])
  })

  it('reads an answer that comes with a challenge header', async () => {
    const app = await startApp()
    app.emulator.failNext({
      status: 401,
      body: { error: 'password_leaked' },
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    })

    const response = await app.login()

    expectRefusal(app, response, { status: 403, code: 'password_leaked' })
  })

  it('keeps the mfa_token on the server', async () => {
    const app = await startApp({ emulator: { users: [{ ...ada, mfa: true }] } })

    const response = await app.login()
    const error: unknown = await app.auth.client
      .getTokenByPassword({ username: ada.email, password: ada.password })
      .catch((err: unknown) => err)

    expect(response.text).not.toContain('Fe26.2')
    expect((error as MfaRequiredError).mfaToken).toMatch(/^Fe26\.2\*/)
  })

  it('omits login_url and recovery_url if the options have none', async () => {
    const app = await startApp({ emulator: { users: [{ ...ada, mfa: true }] } })

    const mfa = await app.login()
    app.emulator.users.update(ada.email, { mfa: false, blocked: true })
    const blocked = await app.login()

    expect(mfa.body).toEqual(refusal('mfa_required'))
    expect(blocked.body).toEqual(refusal('account_blocked'))
  })

  it.each<[string, boolean, object]>([
    ['shown with exposeDeniedReason', true, { reason: 'not on the guest list' }],
    ['kept back without', false, {}],
  ])('contains the reason of an Action %s, and reports it to operators', async (_, exposeDeniedReason, more) => {
    const app = await startApp({
      options: { exposeDeniedReason },
      emulator: { users: [{ ...ada, denied: 'not on the guest list' }] },
    })

    const response = await app.login()

    expectRefusal(app, response, { status: 403, code: 'access_denied', more })
    expect(app.events[0]!.auth0).toEqual({ status: 403, error: 'access_denied', description: 'not on the guest list' })
    expect(app.logged[0]).toContain('not on the guest list')
  })

  it.each<AuthErrorCode>(['account_blocked', 'password_leaked', 'invalid_credentials'])(
    'shows no reason for %s with exposeDeniedReason',
    async (code) => {
      const app = await startApp({ options: { exposeDeniedReason: true } })
      const answers: Partial<Record<AuthErrorCode, Answer>> = {
        account_blocked: oauth(403, 'access_denied', 'user is blocked'),
        password_leaked: oauth(401, 'password_leaked', 'leaked at a.example'),
        invalid_credentials: oauth(403, 'invalid_grant', 'Wrong email or password.'),
      }
      app.emulator.failNext(answers[code])

      const response = await app.login()

      expect(response.body).toEqual(refusal(code))
    },
  )
})

describe('POST /login: set up wrongly', () => {
  it.each<[string, Answer, RegExp]>([
    [
      '500 no Default Directory',
      oauth(500, 'server_error', 'Authorization server not configured with default connection.'),
      /Default Directory.*realm option/,
    ],
    [
      '403 grant off',
      oauth(403, 'unauthorized_client', "Grant type 'password' not allowed for the client."),
      /Grant Types/,
    ],
    ['400 unsupported grant', oauth(400, 'unsupported_grant_type'), /grant/],
    ['501 unsupported grant', oauth(501, 'unsupported_grant_type'), /grant/],
    ['401 invalid_client', oauth(401, 'invalid_client', 'nope'), /clientSecret/],
    ['401 access_denied', oauth(401, 'access_denied', 'Unauthorized'), /clientSecret/],
    ['400 unknown realm', oauth(400, 'invalid_request', 'Unknown realm customers.'), /realm/],
    ['400 connection not found', oauth(400, 'invalid_request', 'the connection was not found'), /realm/],
    ['400 connection disabled', oauth(400, 'invalid_request', 'the connection was disabled'), /realm/],
    [
      '400 connection without passwords',
      oauth(400, 'invalid_request', 'invalid connection specified for password grant'),
      /realm/,
    ],
    [
      '403 unknown audience',
      oauth(403, 'access_denied', 'Service not found: https://api.example.com'),
      /audience option/,
    ],
    [
      '403 unknown audience, older',
      oauth(403, 'access_denied', 'Service not enabled within domain: x'),
      /audience option/,
    ],
    [
      '403 API closed to the client',
      oauth(403, 'access_denied', 'Client "x" is not authorized to access resource server "y".'),
      /audience option/,
    ],
    [
      '400 API closed to the client',
      oauth(400, 'invalid_request', 'Client "x" is not authorized to access resource server "y".'),
      /audience option/,
    ],
    [
      '400 audience not for this grant',
      oauth(400, 'invalid_request', 'invalid audience specified for password grant exchange'),
      /audience option/,
    ],
    ['400 invalid_scope', oauth(400, 'invalid_scope', 'Scope must be an array or a string'), /scope option/],
    ['400 missing parameter', oauth(400, 'invalid_request', 'Missing required parameter: x'), /invalid_request/],
    ['404 endpoint off', oauth(404, 'endpoint_disabled'), /endpoint_disabled/],
    ['405 wrong verb', oauth(405, 'method_not_allowed'), /method_not_allowed/],
  ])('%s: the log names the setting, the answer says nothing', async (_, answer, setting) => {
    const app = await startApp({ options: links })
    app.emulator.failNext(answer)

    const response = await app.login()

    expectRefusal(app, response, { status: 500, code: 'configuration_error' })
    expect(response.headers['retry-after']).toBeUndefined()
    expect(app.logged[0]).toMatch(/^{"level":"error"/)
    expect((JSON.parse(app.logged[0]!) as { detail: string }).detail).toMatch(setting)
    expect(app.emulator.requestsTo('/oauth/token')).toHaveLength(1)
  })

  it.each<[string, Pick<TestAppOptions, 'options' | 'emulator'>, RegExp]>([
    ['no Default Directory', { emulator: { defaultConnection: null } }, /Default Directory/],
    ['a realm that the tenant does not know', { options: { realm: 'nowhere' } }, /realm option/],
    [
      'an audience that the tenant does not know',
      { options: { audience: 'https://nowhere.example' } },
      /audience option/,
    ],
    ['a wrong client secret', { options: { clientSecret: 'not the right one' } }, /clientSecret/],
    ['the password grant off', { emulator: { grantTypes: ['refresh_token'] } }, /Grant Types/],
  ])('on a tenant with %s', async (_, settings, setting) => {
    const app = await startApp(settings)

    const response = await app.login()

    expectRefusal(app, response, { status: 500, code: 'configuration_error' })
    expect(app.events[0]!.detail).toMatch(setting)
  })

  it('rejects with ConfigurationError in code', async () => {
    const app = await startApp({ emulator: { defaultConnection: null } })

    const error: unknown = await app.auth.client
      .getTokenByPassword({ username: ada.email, password: ada.password })
      .catch((err: unknown) => err)

    expect(error).toBeInstanceOf(ConfigurationError)
    expect((error as Error).message).toBe(ERRORS.configuration_error[1])
    expect((error as ConfigurationError).detail).toContain('Default Directory')
  })
})

describe('POST /login: Retry-After', () => {
  const in20Seconds = () => String(Math.floor(Date.now() / 1000) + 20)

  it.each<[string, Answer, AuthErrorCode, number | undefined]>([
    [
      'as told with a 429 of the tenant',
      { ...oauth(429, 'too_many_requests'), headers: { 'retry-after': '17' } },
      'auth_unavailable',
      17,
    ],
    ['as told with a 503', { ...html(503), headers: { 'retry-after': '9' } }, 'auth_unavailable', 9],
    [
      'as told with too_many_attempts',
      { ...oauth(429, 'too_many_attempts'), headers: { 'retry-after': '120' } },
      'too_many_attempts',
      120,
    ],
    [
      'at most an hour',
      { ...oauth(429, 'too_many_requests'), headers: { 'retry-after': '999999' } },
      'auth_unavailable',
      3600,
    ],
    [
      'at least a second',
      { ...oauth(429, 'too_many_requests'), headers: { 'retry-after': '-5' } },
      'auth_unavailable',
      1,
    ],
    [
      '5 for nonsense',
      { ...oauth(429, 'too_many_requests'), headers: { 'retry-after': 'soon' } },
      'auth_unavailable',
      5,
    ],
    ['absent where too_many_attempts tells none', oauth(429, 'too_many_attempts'), 'too_many_attempts', undefined],
  ])('is %s', async (_, answer, code, seconds) => {
    const app = await startApp()
    app.emulator.failNext(answer)

    const response = await app.login()

    expect(response.body).toEqual(refusal(code))
    expect(response.headers['retry-after']).toBe(seconds?.toString())
  })

  it('comes from x-ratelimit-reset, which is a point in time', async () => {
    const app = await startApp()
    app.emulator.failNext({ ...oauth(429, 'too_many_requests'), headers: { 'x-ratelimit-reset': in20Seconds() } })

    const response = await app.login()

    expect(response.status).toBe(503)
    expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(18)
    expect(Number(response.headers['retry-after'])).toBeLessThanOrEqual(20)
  })
})

describe('POST /login: Auth0 does not answer', () => {
  it.each([
    ['hangs', { hang: true }],
    ['answers too late', { delay: 400 }],
    ['resets the connection', { reset: true }],
    ['breaks off in its answer', { truncate: true }],
    ['breaks off in its answer after the login took effect', { truncate: true, afterProcessing: true }],
  ])('503 where it %s, and no second try', async (_, fault) => {
    const isLate = 'hang' in fault || 'delay' in fault
    const app = await startApp({ options: { timeouts: { auth0: isLate ? 300 : 5000 } } })
    await app.auth.ready()
    app.emulator.failNext({ ...fault, times: 2 })
    const started = Date.now()

    const response = await app.login()

    expectRefusal(app, response, { status: 503, code: 'auth_unavailable' })
    expect(response.headers['retry-after']).toBe('5')
    expect(app.emulator.requestsTo('/oauth/token')).toHaveLength(1)
    expect(Date.now() - started).toBeLessThan(4500)
  })

  it.each([
    ['hangs', { hang: true }],
    ['fails', { status: 500 }],
    ['answers in HTML', html(200)],
    ['is not there', oauth(404, 'not_found')],
    ['resets the connection', { reset: true }],
    ['breaks off', { truncate: true }],
  ])('503 where discovery %s, and the password is not sent', async (_, fault) => {
    const app = await startApp({ options: { timeouts: { auth0: 200 } } })
    app.emulator.failNext({ ...fault, path: '/.well-known/openid-configuration' })

    const response = await app.login()

    expectRefusal(app, response, { status: 503, code: 'auth_unavailable' })
    expect(response.headers['retry-after']).toBe('5')
    expect(app.emulator.requestsTo('/oauth/token')).toEqual([])
  })

  it.each([
    ['hangs', { hang: true }],
    ['fails', { status: 500 }],
    ['resets the connection', { reset: true }],
  ])('503 where the keys %s', async (_, fault) => {
    const app = await startApp({ options: { timeouts: { auth0: 200 } } })
    app.emulator.failNext({ ...fault, path: '/.well-known/jwks.json', times: 2 })

    const response = await app.login()

    expectRefusal(app, response, { status: 503, code: 'auth_unavailable' })
    expect(app.emulator.requestsTo('/oauth/token')).toHaveLength(1)
  })

  it('503 if the connection is refused', async () => {
    const emulator = await startAuth0Emulator()
    const app = await startApp({ emulator })
    await emulator.close()

    const response = await app.login()

    expectRefusal(app, response, { status: 503, code: 'auth_unavailable' })
    expect(response.headers['retry-after']).toBe('5')
  })

  it('503 if it went down after discovery', async () => {
    const emulator = await startAuth0Emulator()
    const app = await startApp({ emulator })
    await app.auth.ready()
    await emulator.close()

    const response = await app.login()

    expectRefusal(app, response, { status: 503, code: 'auth_unavailable' })
  })

  it('rejects with ApiError in code', async () => {
    const app = await startApp({ options: { timeouts: { auth0: 200 } } })
    app.emulator.failNext({ hang: true })

    const error: unknown = await app.auth.client
      .getTokenByPassword({ username: ada.email, password: ada.password })
      .catch((err: unknown) => err)

    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ code: 'auth_unavailable', status: 503, headers: { 'Retry-After': '5' } })
  })
})

describe('onError', () => {
  const shape: RopgAuthOptions = {
    onError: (err, _req, res) => res.status(err.status).json({ problem: err.code }),
  }
  const scoped = (app: Express, auth: RopgAuth) => {
    app.get('/posts', auth.requireAuth, auth.requireScope('read:posts'), (_req, res) => void res.json({}))
  }

  it.each<[string, (app: TestApp) => PromiseLike<Response>, number, AuthErrorCode]>([
    ['a refused login', (app) => app.login({ ...credentials, password: 'wrong' }), 401, 'invalid_credentials'],
    ['a bad body', (app) => app.login({}), 400, 'invalid_request'],
    ['broken JSON', ({ app }) => request(app).post('/auth/login').type('json').send('{'), 400, 'invalid_request'],
    [
      'another content type',
      ({ app }) => request(app).post('/auth/login').type('text').send('x'),
      415,
      'unsupported_media_type',
    ],
    ['a large body', (app) => app.login({ password: 'x'.repeat(11_000) }), 413, 'payload_too_large'],
    ['a wrong method', ({ app }) => request(app).put('/auth/login'), 405, 'method_not_allowed'],
    ['another site', (app) => app.login().set('Sec-Fetch-Site', 'cross-site'), 403, 'cross_site_request'],
    ['requireAuth', ({ app }) => request(app).get('/me'), 401, 'unauthenticated'],
    ['GET /user', ({ app }) => request(app).get('/auth/user'), 401, 'unauthenticated'],
  ])('shapes the answer of %s', async (_, ask, status, problem) => {
    const app = await startApp({ options: shape })

    const response = await ask(app)

    expect(response.status).toBe(status)
    expect(response.body).toEqual({ problem })
    expect(response.headers['cache-control']).toBe('no-store')
  })

  it('shapes the answer of requireScope', async () => {
    const app = await startApp({ options: shape, after: scoped })
    const agent = await signIn(app.agent(), app.auth)

    const response = await agent.get('/posts')

    expect(response.status).toBe(403)
    expect(response.body).toEqual({ problem: 'insufficient_scope' })
  })

  it('shapes the answer of the rate limit, including headers', async () => {
    const app = await startApp({ options: { ...shape, rateLimit: { subnet: { limit: 1, windowMs: 60_000 } } } })
    await app.login({ email: ada.email, password: 'wrong' }).expect(401)

    const response = await app.login()

    expect(response.status).toBe(429)
    expect(response.body).toEqual({ problem: 'rate_limited' })
    expect(response.headers['retry-after']).toMatch(/^(?:60|59)$/)
  })

  it('shapes the answer of requireHttps', async () => {
    const app = await startApp({ options: { ...shape, requireHttps: true } })

    const response = await app.login()

    expect(response.status).toBe(400)
    expect(response.body).toEqual({ problem: 'https_required' })
  })

  it('receives an AuthError with all members of the response', async () => {
    const seen: AuthError[] = []
    const app = await startApp({
      options: {
        ...links,
        onError: (err, req, res) => {
          seen.push(err)
          res.status(418).json({ path: req.path })
        },
      },
      emulator: { users: [{ ...ada, blocked: true }] },
    })

    const response = await app.login()

    expect(response.status).toBe(418)
    expect(response.body).toEqual({ path: '/login' })
    expect(seen[0]).toBeInstanceOf(TokenByPasswordError)
    expect(JSON.parse(JSON.stringify(seen[0]))).toEqual(refusal('account_blocked', { recovery_url }))
    expect(seen[0]!.auth0).toEqual({ status: 401, error: 'unauthorized', description: 'user is blocked' })
  })

  it("can pass the error to the app's error handler", async () => {
    const app = await startApp({
      options: { onError: (err, _req, _res, next) => next(err) },
      after: (app) => {
        const handler: ErrorRequestHandler = (err: AuthError, _req, res, _next) => {
          res.status(err.status).json({ handled: err.code })
        }
        app.use(handler)
      },
    })

    const response = await app.login({ ...credentials, password: 'wrong' })

    expect(response.status).toBe(401)
    expect(response.body).toEqual({ handled: 'invalid_credentials' })
  })

  it("passes its own failure to the app's error handler", async () => {
    const app = await startApp({
      options: { onError: async () => Promise.reject(new Error('template missing')) },
      after: (app) => {
        const handler: ErrorRequestHandler = (err: Error, _req, res, _next) => {
          res.status(500).json({ handled: err.message })
        }
        app.use(handler)
      },
    })

    const response = await app.login({})

    expect(response.status).toBe(500)
    expect(response.body).toEqual({ handled: 'template missing' })
  })
})

describe('internal_error', () => {
  it('answers without a stack, and logs where it happened without the message', async () => {
    const app = await startApp({
      before: (app) => {
        app.use((req, _res, next) => {
          Object.defineProperty(req, 'auth', {
            get: () => {
              throw new RangeError('the message may hold anything')
            },
          })
          next()
        })
      },
    })

    const response = await request(app.app).get('/me')

    expect(response.status).toBe(500)
    expect(response.body).toEqual(refusal('internal_error'))
    expect(app.logged).toHaveLength(1)
    expect(JSON.parse(app.logged[0]!)).toEqual({
      level: 'error',
      message: 'internal_error',
      name: 'RangeError',
      at: expect.arrayContaining([expect.stringMatching(/^\s+at .*errors\.test\.ts/)]),
    })
  })
})

describe('a login after a refused one', () => {
  it('works at once', async () => {
    const app = await startApp()
    app.emulator.failNext(html(502))
    await app.login().expect(503)

    const response = await app.login()

    expect(response.status).toBe(200)
    await request(app.app).get('/me').set('Cookie', cookieOf(response)).expect(200)
  })
})
