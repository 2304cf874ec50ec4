import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import request, { type Response } from 'supertest'
import type { LogoutTokenChanges } from '../../lib/testing/index.ts'
import { END, MARK } from '../../lib/store/redis-scripts.ts'
import { onScript } from '../promises/support/on-script.ts'
import { gate, until } from '../promises/support/site.ts'
import { endWithTest } from '../promises/support/site.ts'
import { ada, type TestAppOptions } from '../support/app.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { keysUnder, openRedis, refusal } from './wire.ts'
import { bodyOf, startWeb, users, Visitor, type Web } from './web.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const OFFLINE = { audience: 'https://api.example.com', scope: 'openid profile email offline_access' }
const INVALID = refusal('invalid_request', { fields: { logout_token: 'is not valid' } })

const startHere = (settings: TestAppOptions = {}) =>
  startWeb({ ...settings, options: { backchannelLogout: true, ...OFFLINE, ...settings.options } })

const post = ({ app }: Web) => request(app).post('/auth/backchannel-logout')

const send = (web: Web, token: unknown) => post(web).type('form').send({ logout_token: token })

const subOf = ({ emulator }: Web) => emulator.users.get(ada.email)!.sub

async function entered(web: Web): Promise<Visitor> {
  const visitor = new Visitor(web)
  expect((await visitor.enter()).status).toBe(302)
  return visitor
}

/** The Auth0 session id from the logout URL. */
async function sidOf(visitor: Visitor): Promise<string> {
  const { location } = await visitor.get('/auth/login')
  await visitor.open(await visitor.atAuth0(location))
  const copy = await request(visitor.web.app).post('/auth/logout').set('Cookie', visitor.cookies)
  await visitor.enter()
  return new URL((copy.body as { logout_url: string }).logout_url).searchParams.get('logout_hint')!
}

async function expectAlive(visitor: Visitor): Promise<void> {
  expect((await visitor.me()).status).toBe(200)
}

async function expectEnded(visitor: Visitor): Promise<void> {
  expect(await visitor.me()).toMatchObject({ status: 401, body: { error: 'session_expired' } })
}

const seconds = () => Math.floor(Date.now() / 1000)

describe('a logout token that is not valid', () => {
  it.each<[string, LogoutTokenChanges]>([
    ['of another type', { header: { typ: 'at+jwt' } }],
    ['without a type', { header: { typ: undefined } }],
    ['that is not signed', { header: { alg: 'none' } }],
    ['signed with the client secret', { header: { alg: 'HS256' } }],
    ['signed with a foreign key', { key: 'foreign' }],
    ['of an unknown key', { key: 'foreign', header: { kid: 'unknown' } }],
    ['of another issuer', { iss: 'https://evil.example/' }],
    ['without an issuer', { iss: undefined }],
    ['of another client', { aud: 'somebody' }],
    ['without an audience', { aud: undefined }],
    ['that has expired', { exp: seconds() - 60 }],
    ['without an end', { exp: undefined }],
    ['with an end that is text', { exp: 'tomorrow' }],
    ['without a time of issue', { iat: undefined }],
    ['from the future', { iat: seconds() + 120 }],
    ['that is old', { iat: seconds() - 600 }],
    ['without an id', { jti: undefined }],
    ['with an id that is no text', { jti: 1 }],
    ['without events', { events: undefined }],
    ['with another event', { events: { 'https://other.example': {} } }],
    ['with events that are a list', { events: [EVENT] }],
    ['with events that are text', { events: EVENT }],
    ['with an event that is no object', { events: { [EVENT]: true } }],
    ['with an event that is null', { events: { [EVENT]: null } }],
    ['with a nonce', { nonce: 'n' }],
    ['with an empty nonce', { nonce: '' }],
    ['with a user that is no text', { sub: 1 as never }],
    ['with an empty user', { sub: '' }],
    ['with a session that is no text', { sid: {} as never }],
    ['with an empty session', { sid: '' }],
    ['without user and session', { sub: undefined, sid: undefined }],
  ])('%s is refused, and ends nothing', async (_name, changes) => {
    const web = await startHere()
    const visitor = await entered(web)

    const answer = await send(web, await web.emulator.logoutToken({ sub: subOf(web), ...changes }))

    expect([answer.status, answer.body]).toEqual([400, INVALID])
    expect(answer.headers['cache-control']).toBe('no-store')
    await expectAlive(visitor)
  })

  it.each<[string, (web: Web, token: string) => PromiseLike<Response>]>([
    ['no body', (web) => post(web)],
    ['no token', (web) => post(web).type('form').send({ other: 'x' })],
    ['an empty one', (web) => send(web, '')],
    ['text', (web) => send(web, 'hello')],
    ['three parts of nothing', (web) => send(web, '..')],
    ['a token that was cut', (web, token) => send(web, token.slice(0, -10))],
    ['two tokens', (web, token) => post(web).type('form').send(`logout_token=${token}&logout_token=${token}`)],
    ['a list', (web, token) => post(web).type('form').send(`logout_token[]=${token}`)],
    ['JSON', (web, token) => post(web).send({ logout_token: token })],
    ['a JSON object', (web, token) => post(web).send({ logout_token: { token } })],
    ['a query', (web, token) => request(web.app).post(`/auth/backchannel-logout?logout_token=${token}`)],
  ])('%s is refused, and ends nothing', async (_name, ask) => {
    const web = await startHere()
    const visitor = await entered(web)

    const answer = await ask(web, await web.emulator.logoutToken({ sub: subOf(web) }))

    expect([answer.status, (answer.body as { error: string }).error]).toEqual([400, 'invalid_request'])
    await expectAlive(visitor)
  })

  it('is refused without content of it in the log', async () => {
    const web = await startHere()
    const token = await web.emulator.logoutToken({ sub: subOf(web), nonce: 'n' })
    await send(web, token).expect(400)
    expect(web.logged.join('')).not.toContain(token.split('.')[1])
  })

  it('an ID token is refused', async () => {
    const web = await startHere()
    const { idToken } = await web.auth.client.getTokenByPassword({ username: ada.email, password: ada.password })
    await send(web, idToken).expect(400, INVALID)
  })
})

describe.each(['redis', 'memory'] as const)('a logout token, in %s', (store) => {
  it('by session ends only that session', async () => {
    const web = await startHere({ store })
    const [one, other] = [await entered(web), await entered(web)]
    const sid = await sidOf(one)

    const answer = await send(web, await web.emulator.logoutToken({ sub: subOf(web), sid }))

    expect([answer.status, answer.body]).toEqual([200, { success: true }])
    await expectEnded(one)
    await expectAlive(other)
  })

  it('by user ends all sessions of that user, including password logins, and no others', async () => {
    const web = await startHere({ store })
    const [one, other, agent, grace] = [await entered(web), await entered(web), web.agent(), web.agent()]
    await agent.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)
    await grace.post('/auth/login').send({ email: users[1]!.email, password: users[1]!.password }).expect(200)

    await send(web, await web.emulator.logoutToken({ sub: subOf(web) })).expect(200)

    await expectEnded(one)
    await expectEnded(other)
    await agent.get('/me').expect(401)
    await grace.get('/me').expect(200)
  })

  it('of an unknown session or user is accepted', async () => {
    const web = await startHere({ store })
    const visitor = await entered(web)
    await send(web, await web.emulator.logoutToken({ sid: 'unknown' })).expect(200)
    await send(web, await web.emulator.logoutToken({ sub: 'auth0|unknown' })).expect(200)
    await expectAlive(visitor)
  })

  it('works once, so that a replay does not end a later login', async () => {
    const web = await startHere({ store })
    const first = await entered(web)
    const token = await web.emulator.logoutToken({ sub: subOf(web) })
    await send(web, token).expect(200)
    const later = await entered(web)

    await send(web, token).expect(400, INVALID)

    await expectEnded(first)
    await expectAlive(later)
  })

  it('is processed once if it arrives twice at the same time', async () => {
    const web = await startHere({ store })
    const visitor = await entered(web)
    const token = await web.emulator.logoutToken({ sub: subOf(web) })

    const answers = await Promise.all([send(web, token), send(web, token)])

    for (const { status } of answers) expect([200, 400, 503]).toContain(status)
    expect(answers.map(({ status }) => status)).toContain(200)
    await expectEnded(visitor)
    expect(web.events.filter(({ name }) => name === 'session.revoked')).toHaveLength(1)
  })

  it('promise 3: by user, before the browser comes back, ends the login that it belongs to', async () => {
    const web = await startHere({ store })
    const visitor = new Visitor(web)
    const callback = await visitor.untilCallback()
    await send(web, await web.emulator.logoutToken({ sub: subOf(web) })).expect(200)

    expect((await visitor.open(callback)).status).toBe(401)
    expect((await visitor.me()).status).toBe(401)
    await entered(web)
  })

  it('promise 3: by session, before the browser comes back, ends the login that it belongs to', async () => {
    const web = await startHere({ store })
    const visitor = await entered(web)
    const sid = await sidOf(visitor)
    const callback = await visitor.untilCallback()
    await send(web, await web.emulator.logoutToken({ sid })).expect(200)

    const refused = await visitor.open(callback)

    expect([refused.status, bodyOf(refused).error]).toEqual([401, 'session_expired'])
    await expectEnded(visitor)
  })

  it('promise 3: by session, during the callback, ends the login that it belongs to', async () => {
    const web = await startHere({ store })
    const visitor = await entered(web)
    const sid = await sidOf(visitor)
    const held = web.emulator.hold({ grantType: 'authorization_code', after: true })
    const entering = visitor.enter()
    await held.arrived
    await send(web, await web.emulator.logoutToken({ sid })).expect(200)
    held.release()

    expect((await entering).status).toBe(401)
    await expectEnded(visitor)
  })

  it('does not end a later session, which does not restore the earlier one', async () => {
    const web = await startHere({ store })
    const visitor = await entered(web)
    const sid = await sidOf(visitor)
    const copy = new Visitor(web)
    const before = visitor.cookies
    await send(web, await web.emulator.logoutToken({ sid })).expect(200)
    // The session at Auth0 has ended too.
    await visitor.open(`${web.emulator.domain}/v2/logout?client_id=${web.emulator.clientId}`)

    await visitor.enter()
    await copy.enter()

    await expectAlive(visitor)
    await expectAlive(copy)
    await request(web.app).get('/me').set('Cookie', before).expect(401)
  })
})

describe('POST /backchannel-logout', () => {
  it('revokes the refresh tokens of the sessions that it ends', async () => {
    const web = await startHere()
    await entered(web)
    expect(web.emulator.refreshTokens.families()).toBe(1)
    await send(web, await web.emulator.logoutToken({ sub: subOf(web) })).expect(200)
    await web.auth.close()
    expect(web.emulator.refreshTokens.families()).toBe(0)
  })

  it('leaves no key without an expiry', async () => {
    const web = await startHere()
    const visitor = await entered(web)
    const sid = await sidOf(visitor)
    await send(web, await web.emulator.logoutToken({ sub: subOf(web), sid })).expect(200)

    const redis = openRedis()
    const keys = await keysUnder(web.prefix)
    const lives = await Promise.all(keys.map((key) => redis.pttl(key)))

    expect(keys.filter((key) => key.includes(':s:'))).toEqual([])
    expect(keys.length).toBeGreaterThan(1)
    for (const life of lives) expect(life).toBeGreaterThan(0)
  })

  it('reports each session that it ends', async () => {
    const web = await startHere()
    await entered(web)
    await send(web, await web.emulator.logoutToken({ sub: subOf(web) })).expect(200)
    expect(web.events.filter(({ name }) => name === 'session.revoked')).toMatchObject([{ sub: subOf(web) }])
  })

  it('is off by default', async () => {
    const web = await startWeb()
    await send(web, await web.emulator.logoutToken({ sub: subOf(web) })).expect(404)
  })

  it('is called by Auth0, without any origin, and ends here what the browser ended there', async () => {
    const web = await startHere()
    web.emulator.tenant.backchannelLogoutUrl = `${web.url}/auth/backchannel-logout`
    const [one, other] = [await entered(web), await entered(web)]
    const hint = await sidOf(one)

    await one.open(`${web.emulator.domain}/oidc/logout?client_id=${web.emulator.clientId}&logout_hint=${hint}`)

    await expectEnded(one)
    await expectAlive(other)
  })

  it('refuses a page of another site', async () => {
    const web = await startHere()
    const visitor = await entered(web)
    const token = await web.emulator.logoutToken({ sub: subOf(web) })
    await send(web, token).set('Origin', 'https://evil.example').expect(403)
    await expectAlive(visitor)
    await send(web, token).expect(200)
  })

  it('accepts the new key of the tenant', async () => {
    const web = await startHere()
    await entered(web)
    web.emulator.rotateSigningKeys()
    await send(web, await web.emulator.logoutToken({ sub: subOf(web) })).expect(200)
  })

  it('of one tenant does not affect the other', async () => {
    const web = await startHere()
    const second = await startHere({ options: { session: { prefix: web.prefix } } })
    const [one, other] = [await entered(web), await entered(second)]
    const token = await web.emulator.logoutToken({ sub: subOf(web) })

    await send(second, token).expect(400, INVALID)
    await expectAlive(other)
    await send(web, token).expect(200)

    await expectEnded(one)
    await expectAlive(other)
  })

  it('answers 503 while the keys of the tenant are unavailable, and 200 afterwards', async () => {
    const web = await startHere()
    const token = await web.emulator.logoutToken({ sub: subOf(web) })
    web.emulator.failNext({ path: '/.well-known/openid-configuration', status: 503, body: 'down', times: 1 })
    await send(web, token).expect(503)
    await send(web, token).expect(200)
  })
})

describe('Redis in trouble', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterEach(() => server.resume())
  afterAll(() => server.stop())

  /** Checking a store that was down takes a while. */
  const isReady = ({ auth }: Web) =>
    auth.ready().then(
      () => true,
      () => false,
    )

  const start = (redis: Redis | string = server.url) => startHere({ options: { redis, timeouts: { redis: 300 } } })

  /** A client whose Redis stops when the next script with this text is sent. */
  function stopsAt(script: string): Redis {
    const client = new Redis(server.url)
    endWithTest(async () => client.disconnect())
    let stopped = false
    return onScript(client, script, ({ run }) => {
      if (!stopped) server.pause()
      stopped = true
      return run()
    })
  }

  it.each([
    ['before the user is marked', MARK],
    ['before the session is ended', END],
  ])('works when it is sent again after Redis stopped halfway, %s', async (_name, script) => {
    const visitor = await entered(await start())
    const { emulator, prefix } = visitor.web
    const options = { redis: stopsAt(script), timeouts: { redis: 300 }, session: { prefix } }
    const other = await startHere({ emulator, options })
    const token = await emulator.logoutToken({ sub: subOf(other) })

    await send(other, token).expect(503)
    server.resume()
    await until(() => isReady(other))

    await send(other, token).expect(200)
    await expectEnded(visitor)
    await send(other, token).expect(400, INVALID)
  })

  it('promise 3: a copy that meets the other one at work, in another process, does not end the login made after it', async () => {
    const [arrived, released] = [gate(), gate()]
    const client = new Redis(server.url)
    endWithTest(async () => client.disconnect())
    const held = onScript(client, MARK, async ({ run }) => {
      arrived.open()
      await released.opened
      return run()
    })
    const first = await startHere({ options: { redis: held, timeouts: { redis: 5000 } } })
    const second = await startHere({
      emulator: first.emulator,
      options: { redis: server.url, session: { prefix: first.prefix } },
    })
    const visitor = await entered(second)
    const token = await first.emulator.logoutToken({ sub: subOf(first) })
    const one = send(first, token).then(({ status }) => status)
    await arrived.opened

    await send(second, token).expect(503, refusal('session_unavailable'))
    released.open()
    expect(await one).toBe(200)
    await expectEnded(visitor)
    const later = await entered(second)
    await send(second, token).expect(400, INVALID)
    await expectAlive(later)
  })

  it('answers 503 while Redis is frozen; the token works when it is sent again', async () => {
    const web = await start()
    const visitor = await entered(web)
    const token = await web.emulator.logoutToken({ sub: subOf(web) })
    server.pause()
    const refused = await send(web, token)
    server.resume()

    expect([refused.status, refused.body]).toEqual([503, refusal('session_unavailable')])
    await until(() => isReady(web))
    await send(web, token).expect(200)
    await expectEnded(visitor)
  })
})
