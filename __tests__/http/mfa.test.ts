import { inspect } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import request from 'supertest'
import { AuthError, type RopgAuthOptions } from '../../lib/index.ts'
import type { EmulatorFactor, EmulatorOptions } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { testRedisUrl } from '../support/redis.ts'

const API = 'https://api.example.com'

const userWith = (...types: EmulatorFactor['type'][]): EmulatorOptions => ({
  users: [{ ...ada, mfa: { factors: types.map((type) => ({ type })) } }],
})

function start(emulator: EmulatorOptions = userWith('otp', 'recovery-code'), more: TestAppOptions = {}) {
  const options: RopgAuthOptions = { mfa: 'api', audience: API, ...more.options }
  return startApp({ emulator, ...more, options })
}

type Agent = ReturnType<TestApp['agent']>

/** A browser after the correct password. */
async function waiting(app: TestApp, body: object = {}): Promise<Agent> {
  const agent = app.agent()
  await agent
    .post('/auth/login')
    .send({ email: ada.email, password: ada.password, ...body })
    .expect(403)
  return agent
}

const verify = (agent: Agent, body: object) => agent.post('/auth/mfa/verify').send(body)
const right = (app: TestApp) => ({ otp: app.emulator.mfa.code(ada.email) })
const grantsIn = (app: TestApp) =>
  app.emulator.requestsTo('/oauth/token').filter(({ grantType = '' }) => grantType.includes('mfa-'))

describe('mfa_required', () => {
  it('lists the factors, and neither sets the session cookie nor shows the mfa_token', async () => {
    const app = await start()
    const answer = await app.login()
    expect(answer.status).toBe(403)
    expect(answer.body).toEqual({
      success: false,
      error: 'mfa_required',
      message: expect.any(String),
      mfa: { challenge: [{ type: 'otp' }, { type: 'recovery-code' }], enroll: [] },
    })
    expect(answer.get('Set-Cookie')?.map((cookie) => cookie.split('=')[0])).toEqual(['auth.mfa'])
    expect(answer.get('Set-Cookie')?.[0]).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/)
    expect(answer.text).not.toContain('Fe26')
  })

  it('is stored sealed, for five minutes at most', async () => {
    const app = await start()
    await waiting(app)
    const redis = new Redis(testRedisUrl())
    const [key = ''] = await redis.keys(`${app.prefix}*:m:*`)
    const stored = Object.values(await redis.hgetall(key)).join('\n')
    const left = await redis.pttl(key)
    await redis.quit()
    expect(stored).not.toMatch(/Fe26|ada@/)
    expect(left).toBeGreaterThan(290_000)
    expect(left).toBeLessThanOrEqual(300_000)
  })

  it('is unauthenticated for guards, and continues', async () => {
    const app = await start()
    const agent = await waiting(app)
    expect((await agent.get('/me').expect(401)).body.error).toBe('unauthenticated')
    await verify(agent, right(app)).expect(200)
  })

  it('has no routes with mfa: interactive', async () => {
    const app = await start(undefined, { options: { mfa: 'interactive', loginUrl: '/continue' } })
    const answer = await app.login()
    expect(answer.body).toMatchObject({ error: 'mfa_required', login_url: '/continue' })
    expect(answer.body.mfa).toBeUndefined()
    expect(answer.get('Set-Cookie')).toBeUndefined()
    await request(app.app).get('/auth/mfa/authenticators').expect(404)
    await request(app.app).post('/auth/mfa/verify').send({ otp: '123456' }).expect(404)
  })
})

describe('a second factor', () => {
  it.each([
    ['', 'a one-time password'],
    [' ', 'one that is typed with a space'],
  ])('by an authenticator app logs in: %j between its halves, %s', async (gap) => {
    const app = await start()
    const agent = await waiting(app)
    const code = app.emulator.mfa.code(ada.email)
    const answer = await verify(agent, { otp: `${code.slice(0, 3)}${gap}${code.slice(3)}` })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      success: true,
      user: { id: expect.stringMatching(/^auth0\|/), email: ada.email, name: ada.name },
      expires_at: expect.any(String),
    })
    expect((await agent.get('/me').expect(200)).body.user.email).toBe(ada.email)
    expect(app.events.map(({ name }) => name)).toEqual(['mfa.required', 'mfa.succeeded', 'login.succeeded'])
  })

  it.each(['sms', 'voice', 'email'] as const)('by %s needs a challenge, and logs in', async (type) => {
    const app = await start(userWith(type))
    const agent = await waiting(app)
    const [{ id }] = (await agent.get('/auth/mfa/authenticators').expect(200)).body.authenticators
    const challenge = await agent.post('/auth/mfa/challenge').send({ authenticator_id: id }).expect(200)
    expect(challenge.body).toEqual({ challenge_type: 'oob', binding_method: 'prompt' })
    await verify(agent, { binding_code: '000000' }).expect(401)
    await verify(agent, { binding_code: app.emulator.mfa.sent.at(-1)?.code }).expect(200)
    await agent.get('/me').expect(200)
  })

  it('by push is pending until it is approved', async () => {
    const app = await start(userWith('push'))
    const agent = await waiting(app)
    await agent.post('/auth/mfa/challenge').send({ type: 'push' }).expect(200, { challenge_type: 'oob' })
    const pending = await verify(agent, {})
    expect(pending.status).toBe(202)
    expect(pending.body).toMatchObject({ success: false, error: 'mfa_pending' })
    expect(Number(pending.headers['retry-after'])).toBeGreaterThan(0)
    app.emulator.clock.advance(10)
    app.emulator.mfa.approvePush(ada.email)
    await verify(agent, {}).expect(200)
  })

  it('by push that is denied is mfa_denied, and over', async () => {
    const app = await start(userWith('push'))
    const agent = await waiting(app)
    await agent.post('/auth/mfa/challenge').send({ type: 'push' }).expect(200)
    app.emulator.mfa.denyPush(ada.email)
    expect((await verify(agent, {}).expect(403)).body.error).toBe('mfa_denied')
    expect((await verify(agent, {}).expect(401)).body.error).toBe('mfa_expired')
  })

  it('by a recovery code answers with the next one, once', async () => {
    const app = await start()
    const agent = await waiting(app)
    const used = app.emulator.mfa.recoveryCode(ada.email)
    const { body } = await verify(agent, { recovery_code: used.toLowerCase() }).expect(200)
    expect(body.recovery_code).toBe(app.emulator.mfa.recoveryCode(ada.email))
    expect(body.recovery_code).not.toBe(used)
  })

  it('can be enrolled by a user who has none', async () => {
    const app = await start({ users: [{ ...ada, mfa: { factors: [] } }] })
    const agent = await waiting(app)
    const { body } = await agent.post('/auth/mfa/enroll').send({ type: 'otp' }).expect(200)
    expect(body).toEqual({
      secret: expect.any(String),
      otpauth_uri: expect.stringMatching(/^otpauth:\/\//),
      recovery_codes: [expect.any(String)],
    })
    await verify(agent, { otp: app.emulator.mfa.enrollCode(body.secret) }).expect(200)
    await agent.get('/me').expect(200)
  })

  it('keeps the requested remember_me: a remembered session with a refresh token', async () => {
    const app = await start()
    const agent = await waiting(app, { remember_me: true })
    const { body } = await verify(agent, right(app)).expect(200)
    expect(Date.parse(body.expires_at) - Date.now()).toBeGreaterThan(29 * 86_400_000)
    expect(app.emulator.refreshTokens.families()).toBe(1)
  })

  it('can still be refused by onLogin, which revokes the tokens', async () => {
    const onLogin = () => {
      throw new AuthError('access_denied')
    }
    const app = await start(undefined, { options: { scope: 'openid offline_access', onLogin } })
    const agent = await waiting(app)
    expect((await verify(agent, right(app)).expect(403)).body.error).toBe('access_denied')
    await app.auth.close()
    expect(app.emulator.refreshTokens.families()).toBe(0)
  })

  it('is also required by auth.login in a route of the app', async () => {
    const app = await start(undefined, {
      after: (own, auth) => {
        own.post('/own', (req, res) => {
          auth.login(req, { username: ada.email, password: ada.password }).then(
            () => res.json({}),
            (err: unknown) => res.status((err as AuthError).status).json(err),
          )
        })
      },
    })
    const agent = app.agent()
    expect((await agent.post('/own').expect(403)).body.mfa.challenge).toHaveLength(2)
    await verify(agent, right(app)).expect(200)
  })
})

describe('the rules', () => {
  it('allow five wrong codes', async () => {
    const app = await start()
    const agent = await waiting(app)
    for (let tries = 1; tries <= 5; tries++) {
      expect((await verify(agent, { otp: '000000' }).expect(401)).body.error).toBe('invalid_mfa_code')
    }
    expect((await verify(agent, right(app)).expect(401)).body.error).toBe('mfa_expired')
    expect(grantsIn(app)).toHaveLength(5)
  })

  it('do not allow more of them at once', async () => {
    const app = await start()
    const agent = await waiting(app)
    const answers = await Promise.all(Array.from({ length: 12 }, () => verify(agent, { otp: '000000' })))
    expect(answers.filter(({ body }) => body.error === 'invalid_mfa_code')).toHaveLength(5)
    expect(grantsIn(app)).toHaveLength(5)
  })

  it('create one session from two concurrent correct codes', async () => {
    const app = await start(undefined, { options: { scope: 'openid offline_access' } })
    const agent = await waiting(app)
    const held = app.emulator.hold({ grantType: 'http://auth0.com/oauth/grant-type/mfa-otp', after: true })
    const first = verify(agent, right(app)).then((answer) => answer)
    await held.arrived
    const second = await verify(agent, right(app))
    held.release()
    expect([(await first).status, second.status]).toEqual([200, 401])
    const { sub = '' } = app.emulator.users.get(ada.email) ?? {}
    expect(await app.auth.sessions.list(sub)).toHaveLength(1)
  })

  it.each([
    [{ otp: '12345' }, 'otp'],
    [{ otp: 123456 }, 'otp'],
    [{ otp: '12345a' }, 'otp'],
    [{ binding_code: 'x' }, 'binding_code'],
    [{ recovery_code: 'short' }, 'recovery_code'],
    [{ otp: '123456', recovery_code: 'ABCDEFGHIJKLMNOPQRSTUVWX' }, 'body'],
    [{ binding_code: '123456' }, 'body'],
    [{}, 'body'],
  ])('refuse %j before Auth0 is asked', async (body, field) => {
    const app = await start()
    const agent = await waiting(app)
    const answer = await verify(agent, body).expect(400)
    expect(answer.body).toMatchObject({ error: 'invalid_request', fields: { [field]: expect.any(String) } })
    expect(grantsIn(app)).toEqual([])
    await verify(agent, right(app)).expect(200)
  })

  it.each([
    ['nothing', []],
    ['a forged cookie', ['auth.mfa=s%3Aforged.signature']],
  ])('answer mfa_expired to a browser with %s', async (_name, cookie) => {
    const app = await start()
    await waiting(app)
    const answer = await request(app.app).post('/auth/mfa/verify').set('Cookie', cookie).send(right(app))
    expect([answer.status, answer.body.error]).toEqual([401, 'mfa_expired'])
  })

  it('let the login continue while Auth0 fails', async () => {
    const app = await start()
    const agent = await waiting(app)
    for (let tries = 1; tries <= 6; tries++) {
      app.emulator.failNext({ status: 502, body: '<html>' })
      expect((await verify(agent, right(app)).expect(503)).headers['retry-after']).toMatch(/^[1-9]\d*$/)
    }
    await verify(agent, right(app)).expect(200)
  })

  it('end a login whose mfa_token has expired at Auth0', async () => {
    const app = await start()
    const agent = await waiting(app)
    app.emulator.clock.advance(301)
    expect((await verify(agent, right(app)).expect(401)).body.error).toBe('mfa_expired')
    expect((await agent.get('/auth/mfa/authenticators').expect(401)).body.error).toBe('mfa_expired')
  })

  it('limit the second factors of a user', async () => {
    const limits = { subnet: false, attempts: false, account: false, mfa: { limit: 2, windowMs: 60_000 } } as const
    const app = await start(undefined, { options: { rateLimit: limits } })
    const agent = await waiting(app)
    await verify(agent, { otp: '000000' }).expect(401)
    await verify(agent, { otp: '000000' }).expect(401)
    const answer = await verify(await waiting(app), right(app))
    expect([answer.status, answer.body.error]).toEqual([429, 'rate_limited'])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(app.events.at(-1)).toEqual({
      ...{ name: 'mfa.failed', code: 'rate_limited', detail: expect.stringContaining('rateLimit.mfa') },
      ...{ time: expect.any(String), requestId: expect.any(String), ip: expect.any(String) },
      ...{ userName: expect.any(String), durationMs: expect.any(Number) },
    })
  })
})

describe('mfa_required from a refresh', () => {
  const tokens: TestAppOptions['after'] = (app, auth) => {
    app.get('/token', auth.requireAuth, (req, res) => {
      req.auth.getAccessToken().then(
        ({ accessToken }) => res.json({ accessToken }),
        (err: unknown) => res.status((err as AuthError).status).json(err),
      )
    })
  }
  const loggedIn = async () => {
    const emulator = { users: [ada], accessTokenTtl: 60 }
    const app = await start(emulator, { after: tokens, options: { scope: 'openid profile email offline_access' } })
    const agent = app.agent()
    await agent.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)
    const before = (await agent.get('/me').expect(200)).body.sessionId as string
    const { body } = await agent.get('/token').expect(200)
    return { app, agent, before, old: body.accessToken as string }
  }

  it('uses the same routes, and the session continues with new tokens', async () => {
    const emulator = { users: [{ ...ada, mfaOnRefresh: true }], accessTokenTtl: 20 }
    const app = await start(emulator, { after: tokens, options: { scope: 'openid profile email offline_access' } })
    const agent = app.agent()
    await agent.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)
    const { sessionId } = (await agent.get('/me').expect(200)).body
    app.emulator.tenant.accessTokenTtl = 3600

    const refused = await agent.get('/token').expect(403)
    expect(refused.body).toMatchObject({ error: 'mfa_required', mfa: { challenge: expect.any(Array) } })
    expect(refused.text).not.toContain('Fe26')
    const answer = await verify(agent, right(app)).expect(200)
    expect(answer.get('Set-Cookie')).toBeUndefined()
    await agent.get('/token').expect(200)
    expect((await agent.get('/me').expect(200)).body.sessionId).toBe(sessionId)
  })

  it('is not required if no refresh is due', async () => {
    const { agent, before } = await loggedIn()
    expect((await agent.get('/auth/mfa/authenticators').expect(401)).body.error).toBe('mfa_expired')
    expect((await agent.get('/me').expect(200)).body.sessionId).toBe(before)
  })
})

describe('secrecy', () => {
  it('shows no mfa_token and no code in answers, cookies, events, logs and errors', async () => {
    const app = await start(userWith('otp', 'sms', 'recovery-code'))
    const agent = await waiting(app)
    const answers = [await agent.post('/auth/mfa/challenge').send({ type: 'sms' })]
    const sms = app.emulator.mfa.sent.at(-1)?.code ?? ''
    const recovery = app.emulator.mfa.recoveryCode(ada.email)
    app.emulator.failNext({ status: 400, body: { error: 'invalid_request', error_description: `bad ${sms}` } })
    answers.push(await verify(agent, { binding_code: sms }))
    answers.push(await verify(agent, { recovery_code: 'A'.repeat(24) }))
    const err: unknown = await app.auth.client
      .getTokenByPassword({ username: ada.email, password: ada.password })
      .catch((reason: unknown) => reason)
    const { mfaToken = '' } = err as { mfaToken?: string }
    expect(mfaToken).toMatch(/^Fe26/)
    const seen = [
      ...answers.map(({ text, headers }) => text + JSON.stringify(headers)),
      ...app.logged,
      JSON.stringify(app.events),
      inspect(err, { showHidden: true, depth: 10 }),
      JSON.stringify(err),
    ].join('\n')
    for (const secret of [sms, recovery, mfaToken, 'Fe26', 'A'.repeat(24)]) expect(seen).not.toContain(secret)
  })
})
