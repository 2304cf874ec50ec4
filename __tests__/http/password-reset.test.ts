import { describe, expect, it } from '@jest/globals'
import request from 'supertest'
import type { RopgAuthOptions } from '../../lib/index.ts'
import type { EmulatorOptions, Fault } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { keysUnder, refusal } from './wire.ts'

const RESET = '/dbconnections/change_password'

/** An app with password reset. */
function startReset(options: RopgAuthOptions = {}, settings: TestAppOptions = {}): Promise<TestApp> {
  return startApp({ ...settings, options: { passwordReset: true, ...options } })
}

function reset({ app }: TestApp, body: object = { email: ada.email }): request.Test {
  return request(app).post('/auth/password-reset').send(body)
}

async function expectRefusal(answer: request.Test, code: Parameters<typeof refusal>[0], more: object = {}) {
  const response = await answer
  expect(response.body).toEqual(refusal(code, more))
  expect(response.headers['cache-control']).toBe('no-store')
  return response
}

describe('POST /password-reset', () => {
  it('answers 202 for known and unknown addresses, and sends an email to the known ones', async () => {
    const app = await startReset()

    const known = await reset(app)
    const unknown = await reset(app, { email: 'nobody@example.com' })

    for (const response of [known, unknown]) {
      expect([response.status, response.body]).toEqual([202, { success: true }])
      expect(response.headers['cache-control']).toBe('no-store')
      expect(response.headers['set-cookie']).toBeUndefined()
    }
    const told = ({ headers: { date: _date, ...headers } }: request.Response) => headers
    expect(told(unknown)).toEqual(told(known))
    expect(app.emulator.resets.map(({ email }) => email)).toEqual([ada.email])
  })

  it("accepts Auth0's response in HTML", async () => {
    const app = await startReset()
    const body = "<p>We've just sent you an email to reset your password.</p>"
    app.emulator.failNext({ path: RESET, status: 200, body, headers: { 'content-type': 'text/html; charset=utf-8' } })
    const response = await reset(app).expect(202)
    expect(response.text).not.toContain('email to reset')
  })

  it.each<[string, EmulatorOptions, Fault | undefined]>([
    ['an address of an enterprise connection', { enterpriseDomains: ['example.com'] }, undefined],
    ['an address that a custom database does not know', {}, { status: 404, body: { code: 'user_not_found' } }],
  ])('answers 202 for %s', async (_name, emulator, fault) => {
    const app = await startReset({}, { emulator })
    if (fault) app.emulator.failNext({ path: RESET, ...fault })
    await reset(app).expect(202, { success: true })
    expect(app.emulator.resets).toEqual([])
  })

  it('uses the connection of the realm option, regardless of the body, without a secret', async () => {
    const app = await startReset({ realm: 'customers' })
    await reset(app, { email: ` ${ada.email} `, connection: 'x', realm: 'x', client_id: 'x', password: 'x' }).expect(
      202,
    )
    const { params, headers } = app.emulator.requestsTo(RESET)[0]!
    expect(params).toEqual({ client_id: app.emulator.clientId, connection: 'customers', email: ada.email })
    expect(JSON.stringify(headers)).not.toContain(app.emulator.clientSecret)
  })

  it('stores nothing and ends no session', async () => {
    const app = await startReset()
    const agent = app.agent()
    await agent.post('/auth/login').send(ada).expect(200)
    const before = await keysUnder(app.prefix)
    await agent.post('/auth/password-reset').send({ email: ada.email }).expect(202)
    expect(await keysUnder(app.prefix)).toEqual(before)
    await agent.get('/me').expect(200)
  })

  it.each<[string, (app: TestApp) => request.Test]>([
    ['a form', (app) => reset(app).type('form')],
    ['a form with more fields', (app) => reset(app, { email: ada.email, submit: 'Send' }).type('form')],
  ])('takes %s', async (_name, send) => {
    const app = await startReset()
    await send(app).expect(202)
  })

  it.each<[string, object, string]>([
    ['no address', {}, 'is required'],
    ['null', { email: null }, 'is required'],
    ['a blank address', { email: ' ' }, 'must not be empty'],
    ['a number', { email: 1 }, 'must be a string'],
    ['a list', { email: [ada.email] }, 'must be a string'],
    ['an object', { email: { $ne: '' } }, 'must be a string'],
    ['a username', { email: 'ada' }, 'must be an email address'],
    ['a long address', { email: `${'a'.repeat(320)}@example.com` }, 'must be at most 320 characters'],
  ])('refuses %s before Auth0 is asked', async (_name, body, reason) => {
    const app = await startReset()
    await expectRefusal(reset(app, body).expect(400), 'invalid_request', { fields: { email: reason } })
    expect(app.emulator.requests).toEqual([])
  })

  it.each<[string, object]>([
    [
      'code',
      { name: 'BadRequestError', code: 'invalid_email', description: 'The email is not valid', statusCode: 400 },
    ],
    ['sentence', { error: 'invalid email address' }],
    ['message', { statusCode: 400, error: 'Bad Request', message: "'a@b' does not match format email" }],
  ])('answers 400 for an address that Auth0 rejects with a %s, and logs no setting', async (_name, body) => {
    const app = await startReset()
    app.emulator.failNext({ path: RESET, status: 400, body })
    const fields = { email: 'must be an email address' }
    await expectRefusal(reset(app, { email: 'a@b' }).expect(400), 'invalid_request', { fields })
    expect(app.logged).toEqual([])
  })

  it('answers 500 for anything else that Auth0 rejects, and logs it', async () => {
    const app = await startReset()
    app.emulator.failNext({ path: RESET, status: 400, body: { code: 'invalid_reset', description: 'of some kind' } })
    await expectRefusal(reset(app).expect(500), 'configuration_error')
    expect(app.logged).toHaveLength(1)
  })

  it.each<[string, Fault]>([
    ['fails', { status: 500, body: '<html>' }],
    ['hangs', { hang: true }],
    ['hangs up', { reset: true }],
    ['throttles the address', { status: 429, body: { code: 'too_many_requests' } }],
  ])('answers 503 when Auth0 %s', async (_name, fault) => {
    const app = await startReset({ timeouts: { auth0: 300 } })
    app.emulator.failNext({ path: RESET, ...fault })
    const response = await expectRefusal(reset(app).expect(503), 'auth_unavailable')
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
  })

  it('answers 429 when Auth0 has blocked the client', async () => {
    const app = await startReset({ recoveryUrl: '/help' })
    app.emulator.failNext({ path: RESET, status: 429, body: { code: 'too_many_attempts' } })
    await expectRefusal(reset(app).expect(429), 'too_many_attempts', { recovery_url: '/help' })
  })

  it('leads to the login page for a captcha', async () => {
    const app = await startReset({ loginUrl: '/universal-login' })
    app.emulator.failNext({ path: RESET, status: 400, body: { code: 'invalid_captcha' } })
    await expectRefusal(reset(app).expect(403), 'interaction_required', { login_url: '/universal-login' })
  })

  it('answers 500 and names the setting for a connection that does not exist', async () => {
    const app = await startReset({ realm: 'nowhere' })
    await expectRefusal(reset(app).expect(500), 'configuration_error')
    expect(app.logged.join('\n')).toContain('Authentication > Database')
  })
})

describe('the route of a password reset', () => {
  it('is off by default', async () => {
    const app = await startApp({
      options: { signup: true },
      after: (app) =>
        void app.use((_req, res) => {
          res.status(404).send('not here')
        }),
    })
    const response = await reset(app)
    expect([response.status, response.text]).toEqual([404, 'not here'])
  })

  it.each(['get', 'put', 'delete'] as const)('refuses %s', async (method) => {
    const app = await startReset()
    const answer = request(app.app)[method]('/auth/password-reset').expect(405)
    expect((await expectRefusal(answer, 'method_not_allowed')).headers.allow).toBe('POST')
  })

  it('refuses another origin, plain HTTP and other bodies', async () => {
    const app = await startReset({ requireHttps: true }, { before: (app) => void app.set('trust proxy', 1) })
    const secure = (test: request.Test) => test.set('X-Forwarded-Proto', 'https')
    await expectRefusal(reset(app).expect(400), 'https_required')
    await expectRefusal(secure(reset(app)).set('Sec-Fetch-Site', 'cross-site').expect(403), 'cross_site_request')
    const text = secure(request(app.app).post('/auth/password-reset').type('text').send('x'))
    await expectRefusal(text.expect(415), 'unsupported_media_type')
    const large = secure(reset(app, { email: ada.email, more: 'x'.repeat(10_240) }))
    await expectRefusal(large.expect(413), 'payload_too_large')
    expect(app.emulator.requests).toEqual([])
    await secure(reset(app)).expect(202)
  })

  it('has its own limit, which counts known and unknown addresses', async () => {
    const app = await startReset({ rateLimit: { reset: { limit: 2, windowMs: 60_000 } } })
    await reset(app, { email: 'x' }).expect(400)
    const first = await reset(app).expect(202)
    await reset(app, { email: 'nobody@example.com' }).expect(202)
    const refused = await expectRefusal(reset(app).expect(429), 'rate_limited')
    expect(app.emulator.requestsTo(RESET)).toHaveLength(2)
    expect(first.headers.ratelimit).toMatch(/"reset"; r=1/)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    await app.login().expect(200)
  })
})
