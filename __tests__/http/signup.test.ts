import { inspect } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import express from 'express'
import request, { type Response } from 'supertest'
import type { RopgAuthOptions } from '../../lib/index.ts'
import type { EmulatorOptions, EmulatorTenant, Fault } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { keysUnder, refusal } from './wire.ts'

const bob = { email: 'bob@example.com', password: 'Correct-Horse-1' }
const SIGNUP = '/dbconnections/signup'

/** An app with signup. */
function startSignup(options: RopgAuthOptions = {}, settings: TestAppOptions = {}): Promise<TestApp> {
  return startApp({ ...settings, options: { signup: true, ...options } })
}

function signUp({ app }: TestApp, body: object = bob): request.Test {
  return request(app).post('/auth/signup').send(body)
}

async function expectRefusal(answer: request.Test, code: Parameters<typeof refusal>[0], more: object = {}) {
  const response = await answer
  expect(response.body).toEqual(refusal(code, more))
  expect(response.headers['cache-control']).toBe('no-store')
  return response
}

describe('POST /signup', () => {
  it('answers 201 with the account, which then logs in under that id', async () => {
    const app = await startSignup()

    const response = await signUp(app).expect(201)

    expect(response.body).toEqual({
      success: true,
      user: { id: expect.stringMatching(/^auth0\|[0-9a-f]{24}$/), email: bob.email },
    })
    expect(response.headers['cache-control']).toBe('no-store')
    const login = await app.login(bob).expect(200)
    expect(login.body.user.id).toBe(response.body.user.id)
  })

  it('does not log the user in and stores nothing', async () => {
    const app = await startSignup()
    const response = await signUp(app).expect(201)
    expect(response.headers['set-cookie']).toBeUndefined()
    expect(await keysUnder(app.prefix)).toEqual([])
    expect(app.emulator.requestsTo('/oauth/token')).toEqual([])
  })

  it('passes the profile on, and the password byte for byte', async () => {
    const app = await startSignup()
    const password = '  Correct Hörse 1 %00 '
    const profile = { username: 'bob', name: 'Bob B.', given_name: 'Bob', family_name: 'B.', nickname: 'bobby' }
    const more = { picture: 'https://example.com/bob.png', user_metadata: { plan: 'gold' } }

    await signUp(app, { ...bob, ...profile, ...more, email: `  ${bob.email} `, password }).expect(201)

    expect(app.emulator.requestsTo(SIGNUP).map(({ params }) => params)).toEqual([
      {
        client_id: app.emulator.clientId,
        connection: 'Username-Password-Authentication',
        email: bob.email,
        ...profile,
        ...more,
      },
    ])
    const login = await app.login({ username: 'bob', password }).expect(200)
    expect(login.body.user.name).toBe('Bob B.')
  })

  it('creates the account in the connection of the realm option, regardless of the body', async () => {
    const app = await startSignup({ realm: 'customers' })
    await signUp(app, { ...bob, connection: 'Username-Password-Authentication', realm: 'x', client_id: 'x' }).expect(
      201,
    )
    const { params } = app.emulator.requestsTo(SIGNUP)[0]!
    expect(params).toMatchObject({ connection: 'customers', client_id: app.emulator.clientId })
    expect(params).not.toHaveProperty('realm')
    await app.login(bob).expect(200)
  })

  it('needs no secret and sends none', async () => {
    const app = await startSignup()
    await signUp(app).expect(201)
    const { params, headers } = app.emulator.requestsTo(SIGNUP)[0]!
    expect(inspect([params, headers])).not.toContain(app.emulator.clientSecret)
  })

  it.each<[string, (app: TestApp) => request.Test]>([
    ['a form', ({ app }) => request(app).post('/auth/signup').type('form').send(bob)],
    ['JSON with null for what is left out', (app) => signUp(app, { ...bob, username: null, user_metadata: null })],
    ['empty fields of a form', (app) => signUp(app, { ...bob, username: '', name: '' }).type('form')],
  ])('takes %s', async (_name, send) => {
    const app = await startSignup()
    await send(app).expect(201)
    const { params } = app.emulator.requestsTo(SIGNUP)[0]!
    expect(Object.keys(params).sort()).toEqual(['client_id', 'connection', 'email'])
  })

  it('takes a body that the app has parsed before', async () => {
    const app = await startSignup({}, { before: (app) => void app.use(express.json()) })
    await signUp(app).expect(201)
  })

  describe('for an account that cannot be created', () => {
    const users = [{ ...ada, username: 'ada' }]

    it.each<[string, EmulatorOptions, object]>([
      ['a known address, masked by the tenant', {}, { email: ada.email }],
      ['a known address, told by the tenant', { genericSignupErrors: false }, { email: ada.email }],
      ['a known username', { genericSignupErrors: false }, { username: 'ada' }],
      ['a missing username', { requiresUsername: true }, {}],
      ['an Action that refuses', { signupDenied: 'Only by invitation' }, {}],
      ['signups that are switched off', { signupsDisabled: true }, {}],
      ['a connection that does not exist', { connections: ['other'], defaultConnection: 'other' }, {}],
    ])('responds the same for %s', async (_name, settings, fields) => {
      const app = await startSignup({ exposeDeniedReason: true }, { emulator: { users, ...settings } })
      await expectRefusal(signUp(app, { ...bob, ...fields }).expect(400), 'signup_rejected')
    })

    it.each<[string, Fault]>([
      ['a refusal that nobody knows', { status: 400, body: { error: 'a whole sentence' } }],
      ['a conflict', { status: 409, body: { name: 'BadRequestError', code: 'user_exists' } }],
      ['a hook of older tenants', { status: 400, body: { code: 'hook_error', description: 'no' } }],
      ['a rule of older tenants', { status: 400, body: { code: 'rule_error', description: 'no' } }],
    ])('responds the same for %s', async (_name, fault) => {
      const app = await startSignup()
      app.emulator.failNext({ path: SIGNUP, ...fault })
      await expectRefusal(signUp(app).expect(400), 'signup_rejected')
    })
  })

  it('returns policy and rules for a weak password', async () => {
    const app = await startSignup()
    const response = await signUp(app, { ...bob, password: 'short' }).expect(400)
    const item = (code: string, message: string, verified: boolean) => ({ code, message, verified })
    expect(response.body).toEqual(
      refusal('weak_password', {
        policy: expect.stringMatching(/^\* At least 8 characters in length\n\* Contain at least 3 of the following 4/),
        rules: [
          item('lengthAtLeast', 'At least 8 characters in length', false),
          {
            ...item('containsAtLeast', 'Contain at least 3 of the following 4 types of characters:', false),
            items: [
              item('lowerCase', 'lower case letters (a-z)', true),
              item('upperCase', 'upper case letters (A-Z)', false),
              item('numbers', 'numbers (i.e. 0-9)', false),
              item('specialCharacters', 'special characters (e.g. !@#$%^&*)', false),
            ],
          },
        ],
      }),
    )
  })

  it.each<[string, EmulatorTenant['passwordPolicy'], string, string]>([
    ['too common', { dictionary: ['Correct-Horse-1'] }, 'correct-horse-1', 'Password is too common'],
    ['about the user', { noUserInfo: true }, 'Bob-Horse-1', 'Password contains user information'],
  ])('returns a message that a password is %s', async (_name, passwordPolicy, password, policy) => {
    const app = await startSignup({}, { emulator: { passwordPolicy } })
    await expectRefusal(signUp(app, { ...bob, password }).expect(400), 'weak_password', { policy })
  })

  it.each<[string, Fault['body'], object]>([
    [
      'a text as description',
      { code: 'invalid_password', name: 'PasswordHistoryError', description: 'Used a day ago.' },
      { policy: 'Used a day ago.' },
    ],
    [
      'an object as description',
      {
        code: 'invalid_password',
        description: { rules: [{ code: 'lengthAtLeast', message: 'At least %d', format: [8], verified: false }] },
      },
      { rules: [{ code: 'lengthAtLeast', message: 'At least 8', verified: false }] },
    ],
    ['no description', { code: 'invalid_password' }, {}],
  ])('handles a refused password with %s', async (_name, body, members) => {
    const app = await startSignup()
    app.emulator.failNext({ path: SIGNUP, status: 400, body })
    await expectRefusal(signUp(app).expect(400), 'weak_password', members)
  })

  it('reports a breached password, with a recovery URL', async () => {
    const app = await startSignup({ recoveryUrl: '/choose-another' })
    const answer = signUp(app, { ...bob, password: 'AUTH0-TEST-1a' }).expect(403)
    await expectRefusal(answer, 'password_leaked', { recovery_url: '/choose-another' })
  })

  it.each<[string, EmulatorOptions | undefined, Fault | undefined]>([
    ['a captcha', { signupCaptcha: true }, undefined],
    ['bot detection', undefined, { status: 401, body: { code: 'requires_verification' } }],
  ])('leads to the login page for %s', async (_name, emulator = {}, fault) => {
    const app = await startSignup({ loginUrl: '/universal-login' }, { emulator })
    if (fault) app.emulator.failNext({ path: SIGNUP, ...fault })
    await expectRefusal(signUp(app).expect(403), 'interaction_required', { login_url: '/universal-login' })
  })

  it.each(['too_many_attempts', 'too_many_logins'])('answers 429 for %s at Auth0', async (code) => {
    const app = await startSignup()
    app.emulator.failNext({ path: SIGNUP, status: 429, body: { code }, headers: { 'retry-after': '30' } })
    const response = await expectRefusal(signUp(app).expect(429), 'too_many_attempts')
    expect(response.headers['retry-after']).toBe('30')
  })

  it.each<[string, Fault]>([
    ['fails', { status: 502, body: '<html>bad gateway</html>' }],
    ['throttles the tenant', { status: 429, body: { code: 'too_many_requests' } }],
    ['hangs', { hang: true }],
    ['hangs up', { reset: true }],
    ['hangs up in the middle of its answer', { truncate: true }],
    ['answers success with HTML', { status: 200, body: '<html>' }],
    ['redirects', { status: 302, headers: { location: 'https://evil.example/' } }],
  ])('answers 503 when Auth0 %s', async (_name, fault) => {
    const app = await startSignup({ timeouts: { auth0: 300 } })
    app.emulator.failNext({ path: SIGNUP, ...fault })
    const response = await expectRefusal(signUp(app).expect(503), 'auth_unavailable')
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
    expect(app.emulator.requestsTo(SIGNUP)).toHaveLength(1)
  })

  it('answers 500 and names the setting for a client that Auth0 does not know', async () => {
    const app = await startSignup({ clientId: 'another-client' })
    await expectRefusal(signUp(app).expect(500), 'configuration_error')
    expect(app.logged.join('\n')).toContain('check clientId')
  })
})

describe('a signup with invalid fields', () => {
  const long = 'x'.repeat(501)

  it.each<[string, object, Record<string, string>]>([
    ['no fields at all', {}, { email: 'is required', password: 'is required' }],
    ['null and empty fields', { email: null, password: '' }, { email: 'is required', password: 'is required' }],
    ['numbers', { ...bob, email: 1, password: 2 }, { email: 'must be a string', password: 'must be a string' }],
    ['lists', { ...bob, email: [bob.email], name: ['Bob'] }, { email: 'must be a string', name: 'must be a string' }],
    ['an object', { ...bob, password: { $ne: '' } }, { password: 'must be a string' }],
    ['something else than an address', { ...bob, email: 'bob' }, { email: 'must be an email address' }],
    ['two addresses', { ...bob, email: 'a@b.example c@d.example' }, { email: 'must be an email address' }],
    ['a blank address', { ...bob, email: '   ' }, { email: 'must not be empty' }],
    ['half a character', { ...bob, password: 'x\ud800' }, { password: 'must be valid Unicode' }],
    ['a NUL character', { ...bob, name: 'a\0b' }, { name: 'must not contain a NUL character' }],
    [
      'long texts',
      { ...bob, password: 'x'.repeat(1025), username: 'x'.repeat(321) },
      { password: 'must be at most 1024 characters', username: 'must be at most 320 characters' },
    ],
    ['a text as metadata', { ...bob, user_metadata: 'gold' }, { user_metadata: 'must be an object of strings' }],
    ['a list as metadata', { ...bob, user_metadata: ['gold'] }, { user_metadata: 'must be an object of strings' }],
    [
      'nested metadata',
      { ...bob, user_metadata: { a: { b: 'c' } } },
      { user_metadata: 'must be an object of strings' },
    ],
    [
      'long metadata',
      { ...bob, user_metadata: { plan: long } },
      { user_metadata: 'must be an object of at most 10 strings of at most 500 characters' },
    ],
  ])('is refused before Auth0 is asked: %s', async (_name, body, fields) => {
    const app = await startSignup()
    await expectRefusal(signUp(app, body).expect(400), 'invalid_request', { fields })
    expect(app.emulator.requests).toEqual([])
  })

  it.each<[string, string]>([
    ['a list', '[]'],
    ['null', 'null'],
    ['nothing', ''],
  ])('is refused before Auth0 is asked: %s as body', async (_name, body) => {
    const app = await startSignup()
    const response = await request(app.app).post('/auth/signup').type('json').send(body).expect(400)
    expect(response.body.error).toBe('invalid_request')
    expect(app.emulator.requests).toEqual([])
  })
})

describe('the password of a signup', () => {
  const password = 'Canary-p@ss+word 100%"1'

  function shown({ events, logged, emulator }: TestApp, response: Response, errors: unknown[]): string {
    const all = [events, logged, emulator.requests, response.headers, response.body, errors]
    return `${inspect(all, { depth: 10, showHidden: true })}${JSON.stringify(all)}`
  }

  it.each<[string, number, Fault | undefined]>([
    ['succeeds', 201, undefined],
    [
      'is refused with a text that repeats it',
      400,
      { status: 400, body: { code: 'x', description: `no ${password}` } },
    ],
    ['is too weak', 400, { status: 400, body: { code: 'invalid_password', policy: password } }],
    ['fails with an error that repeats it', 400, { status: 400, body: { error: password } }],
    ['meets an outage', 503, { status: 500, body: `<html>${password}</html>` }],
    ['meets a wrong setting', 500, { status: 400, body: { code: 'invalid_client', description: password } }],
  ])('is in no event, log line, error, answer or recorded request when it %s', async (_name, status, fault) => {
    const errors: unknown[] = []
    const app = await startSignup({
      exposeDeniedReason: true,
      onError: (err, _req, res) => {
        errors.push(err, err.detail, err.auth0, err.cause, err.stack)
        res.status(err.status).json(err)
      },
    })
    if (fault) app.emulator.failNext({ path: SIGNUP, ...fault })
    const response = await signUp(app, { ...bob, password })
    expect(response.status).toBe(status)
    const text = shown(app, response, errors)
    const forms = [password, JSON.stringify(password).slice(1, -1), encodeURIComponent(password)]
    expect(forms.filter((form) => text.includes(form))).toEqual([])
  })
})

describe('the route of a signup', () => {
  it('is off by default', async () => {
    const app = await startApp({
      after: (app) =>
        void app.use((_req, res) => {
          res.status(404).send('not here')
        }),
    })
    const response = await signUp(app)
    expect([response.status, response.text]).toEqual([404, 'not here'])
    expect(app.emulator.requests).toEqual([])
  })

  it.each(['get', 'put', 'delete', 'patch'] as const)('refuses %s', async (method) => {
    const app = await startSignup()
    const response = await expectRefusal(request(app.app)[method]('/auth/signup').expect(405), 'method_not_allowed')
    expect(response.headers.allow).toBe('POST')
  })

  it.each<[string, Record<string, string>]>([
    ['by Fetch Metadata', { 'Sec-Fetch-Site': 'cross-site' }],
    ['from another site of the same domain', { 'Sec-Fetch-Site': 'same-site' }],
    ['by Origin', { Origin: 'https://evil.example' }],
    ['from a sandboxed page', { Origin: 'null' }],
  ])('refuses another origin, %s', async (_name, headers) => {
    const app = await startSignup()
    await expectRefusal(signUp(app).set(headers).expect(403), 'cross_site_request')
    expect(app.emulator.requests).toEqual([])
  })

  it('accepts calls from its own origin and from allowed ones', async () => {
    const app = await startSignup({ allowedOrigins: ['https://app.example'] })
    await signUp(app).set('Sec-Fetch-Site', 'same-origin').expect(201)
    const carol = { ...bob, email: 'carol@example.com' }
    await signUp(app, carol).set({ Origin: 'https://app.example', 'Sec-Fetch-Site': 'cross-site' }).expect(201)
  })

  it('refuses plain HTTP where HTTPS is required', async () => {
    const app = await startSignup({ requireHttps: true }, { before: (app) => void app.set('trust proxy', 1) })
    await expectRefusal(signUp(app).expect(400), 'https_required')
    expect(app.emulator.requests).toEqual([])
    await signUp(app).set('X-Forwarded-Proto', 'https').expect(201)
  })

  it('refuses other bodies and bodies that are too large', async () => {
    const app = await startSignup()
    const send = (type: string, body: string) => request(app.app).post('/auth/signup').type(type).send(body)
    await expectRefusal(send('text/plain', 'email=x').expect(415), 'unsupported_media_type')
    await expectRefusal(
      send('json', JSON.stringify({ ...bob, name: 'x'.repeat(10_240) })).expect(413),
      'payload_too_large',
    )
    await expectRefusal(send('json', '{').expect(400), 'invalid_request', { fields: { body: 'is not valid JSON' } })
    expect(app.emulator.requests).toEqual([])
  })

  it('has its own limit, which counts only requests that could reach Auth0', async () => {
    const app = await startSignup({ rateLimit: { signup: { limit: 2, windowMs: 60_000 } }, passwordReset: true })
    await signUp(app, { ...bob, email: 'bob' }).expect(400)
    await signUp(app).set('Sec-Fetch-Site', 'cross-site').expect(403)
    const first = await signUp(app).expect(201)
    await signUp(app).expect(400)
    const refused = await expectRefusal(signUp(app, { ...bob, email: 'carol@example.com' }).expect(429), 'rate_limited')
    expect(app.emulator.requestsTo(SIGNUP)).toHaveLength(2)
    expect(first.headers.ratelimit).toMatch(/"signup"; r=1/)
    expect(first.headers['ratelimit-policy']).toMatch(/"signup"; q=2; w=60/)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    await app.login(bob).expect(200)
    await request(app.app).post('/auth/password-reset').send(bob).expect(202)
  })

  it('passes errors to onError', async () => {
    const app = await startSignup({ onError: (err, _req, res) => void res.status(418).json({ code: err.code }) })
    await signUp(app, {}).expect(418, { code: 'invalid_request' })
  })
})
