import { describe, expect, it } from '@jest/globals'
import { ERRORS, type AuthErrorCode } from '../../lib/errors.ts'
import type { EmulatorFactor, Fault } from '../../lib/testing/index.ts'
import {
  type Answer,
  email,
  eventsNamed,
  type Jar,
  logInTo,
  startMfa,
  told,
  waiting,
  type MfaApp,
} from './mfa-browser.ts'
import { keysUnder, refusal } from './wire.ts'

const TOKEN = '/oauth/token'
const fault = (path: string, status: number, error: string, error_description?: string): Fault => ({
  path,
  status,
  body: { error, ...(error_description !== undefined && { error_description }) },
})

/** A pending login, after its challenge if the factor has one. */
async function challenged(type: EmulatorFactor['type']): Promise<MfaApp> {
  const app = await waiting({ factors: [type, 'recovery-code'] })
  if (type !== 'otp') expect((await app.browser.challenge({ type })).status).toBe(200)
  return app
}

function expectRefused(answer: Answer, code: AuthErrorCode) {
  expect([answer.status, answer.body]).toEqual([ERRORS[code][0], refusal(code)])
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.cookies).toEqual([])
}

/** Whether the pending login can still be completed. */
async function expectGoesOn(app: MfaApp) {
  expect((await app.browser.verify({ recovery_code: app.emulator.mfa.recoveryCode(email) })).status).toBe(200)
}

async function expectIsOver(app: MfaApp) {
  const asked = app.emulator.requests.length
  expectRefused(await app.browser.get('/auth/mfa/authenticators'), 'mfa_expired')
  expect(app.emulator.requests).toHaveLength(asked)
}

type Row = [title: string, type: EmulatorFactor['type'], proof: object, answer: Fault, code: AuthErrorCode]

const otp = { otp: '000000' }
const binding = { binding_code: '000000' }
const recovery = { recovery_code: 'ABCDEFGHJKLMNPQRSTUVWXYZ' }

const GOES_ON: Row[] = [
  ['wrong OTP', 'otp', otp, fault(TOKEN, 401, 'invalid_grant', 'Invalid otp_code.'), 'invalid_mfa_code'],
  ['wrong OTP, 403', 'otp', otp, fault(TOKEN, 403, 'invalid_grant', 'Invalid otp_code.'), 'invalid_mfa_code'],
  ['wrong OTP, no text', 'otp', otp, fault(TOKEN, 403, 'invalid_grant'), 'invalid_mfa_code'],
  ['wrong SMS', 'sms', binding, fault(TOKEN, 401, 'invalid_grant', 'Invalid binding_code.'), 'invalid_mfa_code'],
  ['wrong email', 'email', binding, fault(TOKEN, 403, 'invalid_grant', 'Invalid binding_code.'), 'invalid_mfa_code'],
  [
    'wrong recovery code',
    'otp',
    recovery,
    fault(TOKEN, 401, 'invalid_grant', 'MFA Authorization rejected.'),
    'invalid_mfa_code',
  ],
  ['push pending', 'push', {}, fault(TOKEN, 400, 'authorization_pending'), 'mfa_pending'],
  ['polling too fast, 400', 'push', {}, fault(TOKEN, 400, 'slow_down'), 'mfa_pending'],
  ['polling too fast, 429', 'push', {}, fault(TOKEN, 429, 'slow_down'), 'mfa_pending'],
  [
    'oob_code of another transaction',
    'sms',
    binding,
    fault(TOKEN, 400, 'invalid_request', "The oob_code doesn't match the mfa_token"),
    'invalid_request',
  ],
  [
    'binding_code missing',
    'sms',
    binding,
    fault(TOKEN, 400, 'invalid_request', 'Missing required parameter: binding_code'),
    'invalid_request',
  ],
  [
    'too many wrong codes',
    'otp',
    otp,
    fault(TOKEN, 400, 'invalid_request', 'Too many failed codes. Wait for some minutes before retrying.'),
    'too_many_attempts',
  ],
  ['too many attempts', 'otp', otp, fault(TOKEN, 429, 'too_many_attempts'), 'too_many_attempts'],
  ['tenant throttled', 'otp', otp, fault(TOKEN, 429, 'too_many_requests'), 'auth_unavailable'],
  ['500', 'otp', otp, { path: TOKEN, status: 500 }, 'auth_unavailable'],
  ['503 HTML', 'otp', otp, { path: TOKEN, status: 503, body: '<h1>Sorry</h1>' }, 'auth_unavailable'],
  ['200 HTML', 'otp', otp, { path: TOKEN, status: 200, body: '<h1>Hello</h1>' }, 'auth_unavailable'],
  ['200 without a token', 'otp', otp, { path: TOKEN, status: 200, body: {} }, 'auth_unavailable'],
  ['403 without JSON', 'otp', otp, { path: TOKEN, status: 403, body: 'Forbidden' }, 'auth_unavailable'],
  ['a JSON array', 'otp', otp, { path: TOKEN, status: 400, body: [1] }, 'auth_unavailable'],
  ['a lost connection', 'otp', otp, { path: TOKEN, reset: true }, 'auth_unavailable'],
  ['half an answer', 'otp', otp, { path: TOKEN, truncate: true }, 'auth_unavailable'],
  ['grant off', 'otp', otp, fault(TOKEN, 403, 'unauthorized_client'), 'configuration_error'],
  ['client unknown', 'otp', otp, fault(TOKEN, 401, 'access_denied', 'Unauthorized'), 'configuration_error'],
]

const ENDS: Row[] = [
  ['push denied', 'push', {}, fault(TOKEN, 400, 'invalid_grant', 'MFA Authorization rejected.'), 'mfa_denied'],
  [
    'push denied, as recorded',
    'push',
    {},
    fault(TOKEN, 400, 'access_denied', 'MFA Authorization rejected.'),
    'mfa_denied',
  ],
  ['mfa_token expired', 'otp', otp, fault(TOKEN, 401, 'expired_token', 'mfa_token is expired'), 'mfa_expired'],
  ['mfa_token expired, 403', 'otp', otp, fault(TOKEN, 403, 'expired_token', 'mfa_token is expired'), 'mfa_expired'],
  ['mfa_token malformed', 'otp', otp, fault(TOKEN, 401, 'invalid_grant', 'Malformed mfa_token'), 'mfa_expired'],
  ['oob_code expired', 'sms', binding, fault(TOKEN, 403, 'expired_token', 'oob_code is expired'), 'mfa_expired'],
  [
    'mfa_token of another client',
    'otp',
    otp,
    fault(TOKEN, 400, 'invalid_request', 'mfa_token not issued to this client'),
    'mfa_expired',
  ],
  ['user blocked', 'otp', otp, fault(TOKEN, 401, 'unauthorized', 'user is blocked'), 'account_blocked'],
  ['an Action refuses', 'otp', otp, fault(TOKEN, 403, 'access_denied', 'Not on Sundays'), 'access_denied'],
]

describe('POST /mfa/verify', () => {
  it.each(GOES_ON)('%s: the login continues', async (_title, type, proof, answer, code) => {
    const app = await challenged(type)
    app.emulator.failNext(answer)
    expectRefused(await app.browser.verify(proof), code)
    await expectGoesOn(app)
  })

  it.each(ENDS)('%s: the login is over', async (_title, type, proof, answer, code) => {
    const app = await challenged(type)
    app.emulator.failNext(answer)
    expectRefused(await app.browser.verify(proof), code)
    expect(eventsNamed(app, 'mfa.failed').map((event) => event.code)).toEqual([code])
    await expectIsOver(app)
  })
})

type ApiRow = [title: string, answer: Omit<Fault, 'path'>, code: AuthErrorCode]
const said = (status: number, error: string, text?: string) => fault('', status, error, text)

const INVALID_TOKEN = 'The mfa_token provided is invalid. Try getting a new token.'
const TOO_MANY = 'Too many SMS sent by the user. Wait for some minutes before retrying.'
const API_GOES_ON: ApiRow[] = [
  ['too many SMS', said(400, 'invalid_request', TOO_MANY), 'too_many_attempts'],
  ['bad phone number', said(400, 'invalid_request', 'The phone number is invalid.'), 'invalid_request'],
  ['already enrolled', said(403, 'access_denied', 'User is already enrolled.'), 'invalid_request'],
  ['not enrolled', said(400, 'association_required', 'User is not enrolled with guardian'), 'invalid_request'],
  ['not enrolled, older', said(400, 'unsupported_challenge_type'), 'invalid_request'],
  ['no common type', said(401, 'unsupported_challenge_type'), 'invalid_request'],
  ['500', { status: 500 }, 'auth_unavailable'],
  ['HTML', { status: 200, body: '<h1>Hello</h1>' }, 'auth_unavailable'],
  ['JSON of another kind', { status: 200, body: { challenge_type: 7, secret: 7 } }, 'auth_unavailable'],
  ['null', { status: 200, body: 'null', headers: { 'content-type': 'application/json' } }, 'auth_unavailable'],
  ['a lost connection', { reset: true }, 'auth_unavailable'],
]

const STEPS: [path: string, call: (browser: Jar) => Promise<Answer>][] = [
  ['authenticators', (browser) => browser.get('/auth/mfa/authenticators')],
  ['challenge', (browser) => browser.challenge({ type: 'otp' })],
  ['associate', (browser) => browser.enroll({ type: 'otp' })],
]

describe.each(STEPS)('Auth0 answers /mfa/%s with', (path, call) => {
  it.each(API_GOES_ON)('%s: the login continues', async (_title, answer, code) => {
    const app = await waiting()
    app.emulator.failNext({ ...answer, path: `/mfa/${path}` })
    expectRefused(await call(app.browser), code)
    await expectGoesOn(app)
  })

  it('an invalid mfa_token: the login is over', async () => {
    const app = await waiting()
    app.emulator.failNext({ ...said(401, 'invalid_grant', INVALID_TOKEN), path: `/mfa/${path}` })
    expectRefused(await call(app.browser), 'mfa_expired')
    await expectIsOver(app)
  })

  it('a Retry-After while it is down', async () => {
    const app = await waiting()
    app.emulator.failNext({ path: `/mfa/${path}`, status: 503 })
    expect((await call(app.browser)).headers.get('retry-after')).toBe('5')
  })
})

describe('before Auth0 is asked', () => {
  it.each([
    [{ otp: '12345' }, { otp: 'must be 6 digits' }],
    [{ otp: '1234567' }, { otp: 'must be 6 digits' }],
    [{ otp: 'abcdef' }, { otp: 'must be 6 digits' }],
    [{ otp: '' }, { body: 'call /mfa/challenge first, or send otp or recovery_code' }],
    [{ otp: 123456 }, { otp: 'must be a string' }],
    [{ otp: ['123456'] }, { otp: 'must be a string' }],
    [{ binding_code: 'x' }, { binding_code: 'must be 4 to 10 digits' }],
    [{ recovery_code: 'too short' }, { recovery_code: 'must be 24 letters and digits' }],
    [
      { otp: '123456', recovery_code: recovery.recovery_code },
      { body: 'must contain only one of otp, binding_code and recovery_code' },
    ],
    [{ binding_code: '123456' }, { body: 'call /mfa/challenge first, or send otp or recovery_code' }],
    [{}, { body: 'call /mfa/challenge first, or send otp or recovery_code' }],
  ])('/mfa/verify refuses %j', async (body, fields) => {
    const app = await waiting()
    const answer = await app.browser.verify(body)
    expect([answer.status, answer.body]).toEqual([400, refusal('invalid_request', { fields })])
    expect(app.verified()).toEqual([])
    await expectGoesOn(app)
  })

  it('/mfa/verify without the code that was sent is refused', async () => {
    const app = await challenged('sms')
    const answer = await app.browser.verify()
    expect(answer.body.fields).toEqual({ binding_code: 'is required' })
    expect(app.verified()).toEqual([])
  })

  it.each([
    ['/auth/mfa/challenge', { type: 'fax' }, 'type'],
    ['/auth/mfa/challenge', { type: 'recovery-code' }, 'type'],
    ['/auth/mfa/challenge', { authenticator_id: 7 }, 'authenticator_id'],
    ['/auth/mfa/enroll', {}, 'type'],
    ['/auth/mfa/enroll', { type: 'sms' }, 'phone_number'],
    ['/auth/mfa/enroll', { type: 'voice', phone_number: '555' }, 'phone_number'],
    ['/auth/mfa/enroll', { type: 'email', email: 'nobody' }, 'email'],
  ])('%s refuses %j', async (path, body, field) => {
    const app = await waiting()
    const asked = app.emulator.requests.length
    const answer = await app.browser.post(path, body)
    expect(told(answer)).toEqual([400, 'invalid_request'])
    expect(Object.keys(answer.body.fields)).toEqual([field])
    expect(app.emulator.requests).toHaveLength(asked)
  })

  it.each([
    ['GET', '/auth/mfa/authenticators'],
    ['POST', '/auth/mfa/challenge'],
    ['POST', '/auth/mfa/verify'],
    ['POST', '/auth/mfa/enroll'],
  ])('%s %s without a login that waits answers 401 mfa_expired', async (method, path) => {
    const app = await startMfa()
    const body = { otp: '123456', type: 'otp' }
    expectRefused(await (method === 'GET' ? app.browser.get(path) : app.browser.post(path, body)), 'mfa_expired')
  })

  it('another method or a call from another site is refused', async () => {
    const app = await waiting()
    expect(told(await app.browser.get('/auth/mfa/verify'))).toEqual([405, 'method_not_allowed'])
    const headers = { cookie: app.browser.cookie, 'sec-fetch-site': 'cross-site', 'content-type': 'application/json' }
    const body = JSON.stringify({ otp: app.code() })
    const answer = await fetch(`${app.url}/auth/mfa/verify`, { method: 'POST', headers, body })
    expect(answer.status).toBe(403)
    expect(app.verified()).toEqual([])
  })
})

describe('Auth0 is slow', () => {
  it('and the login continues after 503', async () => {
    const app = await waiting({ options: { timeouts: { auth0: 300 } } })
    app.emulator.failNext({ path: TOKEN, hang: true })
    expectRefused(await app.browser.verify({ otp: app.wrong() }), 'auth_unavailable')
    await expectGoesOn(app)
  })
})

describe('rateLimit.mfa', () => {
  it('counts the attempts of a user over all logins', async () => {
    const app = await waiting({ options: { rateLimit: { mfa: { limit: 3, windowMs: 60_000 } } } })
    for (const browser of [app.browser, app.newBrowser()]) {
      if (browser !== app.browser) await logInTo(browser)
      await browser.verify({ otp: app.wrong() })
    }
    await app.browser.challenge({ type: 'otp' })
    const answer = await app.browser.verify({ otp: app.code() })
    expect(told(answer)).toEqual([429, 'rate_limited'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(app.verified()).toHaveLength(2)
  })
})

describe('GET /mfa/authenticators', () => {
  it('has the limit rateLimit.mfa, and does not use up attempts', async () => {
    const app = await waiting({ options: { rateLimit: { mfa: { limit: 3, windowMs: 60_000 } } } })
    const list = () => app.browser.get('/auth/mfa/authenticators')
    for (let turn = 0; turn < 3; turn++) expect((await list()).status).toBe(200)
    const answer = await list()
    expect(told(answer)).toEqual([429, 'rate_limited'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(app.emulator.requestsTo('/mfa/authenticators')).toHaveLength(3)
    expect((await app.browser.verify({ otp: app.code() })).status).toBe(200)
  })
})

describe("mfa: 'interactive'", () => {
  it('has no MFA routes, answers with login_url, and stores nothing', async () => {
    const app = await startMfa({ options: { mfa: undefined, loginUrl: 'https://example.com/login' } })
    const answer = await app.browser.login()
    expect(told(answer)).toEqual([403, 'mfa_required'])
    expect(answer.body.login_url).toMatch(/^https:\/\/example\.com\/login/)
    expect(answer.body).not.toHaveProperty('mfa')
    expect(answer.cookies).toEqual([])
    expect(await keysUnder(app.prefix)).toEqual([])
    for (const path of ['challenge', 'verify', 'enroll']) {
      expect((await app.browser.post(`/auth/mfa/${path}`)).status).toBe(404)
    }
    expect((await app.browser.get('/auth/mfa/authenticators')).status).toBe(404)
  })
})
