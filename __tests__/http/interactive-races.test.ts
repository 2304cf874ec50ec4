import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { endWithTest } from '../promises/support/site.ts'
import { ada } from '../support/app.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import type { Page } from '../testing/browser.js'
import { bodyOf, GRACE, startWeb, Visitor, type Web } from './web.ts'
import { keysUnder, openRedis } from './wire.ts'

const OFFLINE = { audience: 'https://api.example.com', scope: 'openid profile email offline_access' }
const codes = ({ emulator }: Web) =>
  emulator.requestsTo('/oauth/token').filter(({ grantType }) => grantType === 'authorization_code')

function expectMissing(page: Page): void {
  expect([page.status, bodyOf(page)]).toEqual([
    400,
    expect.objectContaining({ error: 'login_transaction_missing', login_url: '/auth/login' }),
  ])
  expect(page.headers.getSetCookie()).toEqual([])
}

/** A clock for the app and its store. */
function createClock() {
  let ahead = 0
  return { testClock: () => Date.now() + ahead, advance: (seconds: number) => void (ahead += seconds * 1000) }
}

describe.each(['redis', 'memory'] as const)('logins in two tabs, in %s', (store) => {
  it.each([
    ['in the order in which they began', false],
    ['in reverse', true],
  ])('both end at their own page, %s', async (_name, reverse) => {
    const visitor = new Visitor(await startWeb({ store }))
    const tabs = [
      ['/one', await visitor.untilCallback('/auth/login?return_to=/one')],
      ['/two', await visitor.untilCallback('/auth/login?return_to=/two')],
    ] as const

    for (const [target, callback] of reverse ? [...tabs].reverse() : tabs) {
      expect((await visitor.open(callback)).location).toBe(target)
      expect((await visitor.me()).status).toBe(200)
    }
    expect(bodyOf(await visitor.get('/auth/sessions')).sessions).toHaveLength(1)
  })

  it('the login that ends last is the one that session.maxPerUser keeps', async () => {
    const web = await startWeb({ store, options: { session: { maxPerUser: 1 } } })
    const visitor = new Visitor(web)
    const callback = await visitor.untilCallback()
    await web.login().expect(200)

    expect((await visitor.open(callback)).status).toBe(302)
    expect((await visitor.me()).status).toBe(200)
  })

  it('a repeated callback starts no second session, and the first continues', async () => {
    const web = await startWeb({ store })
    const visitor = new Visitor(web)
    const callback = await visitor.untilCallback()
    await visitor.open(callback)

    expectMissing(await visitor.open(callback))
    expect((await visitor.me()).status).toBe(200)
    expect(codes(web)).toHaveLength(1)
  })

  it('two concurrent copies of a callback are exactly one login', async () => {
    const web = await startWeb({ store })
    const visitor = new Visitor(web)
    const callback = await visitor.untilCallback()
    const held = web.emulator.hold({ grantType: 'authorization_code' })
    const first = visitor.open(callback)
    await held.arrived

    expectMissing(await visitor.open(callback))
    held.release()
    expect((await first).status).toBe(302)
    expect(web.events.filter(({ name }) => name === 'login.succeeded')).toHaveLength(1)
    expect((await visitor.me()).status).toBe(200)
  })

  it('a callback after ten minutes is refused, and one before is not', async () => {
    const clock = createClock()
    const web = await startWeb({ store, seams: { testClock: clock.testClock } })
    const visitor = new Visitor(web)
    const [early, late] = [await visitor.untilCallback(), await visitor.untilCallback()]

    clock.advance(595)
    expect((await visitor.open(early)).status).toBe(302)
    clock.advance(10)
    expectMissing(await visitor.open(late))
  })
})

describe('GET /callback without its login', () => {
  it.each([
    ['no query', ''],
    ['no state', '?code=abc'],
    ['an empty state', '?code=abc&state='],
    ['a short state', '?code=abc&state=x'],
    ['a forged state', `?code=abc&state=${'x'.repeat(43)}`],
    ['a state with the characters of a key', `?code=abc&state=${encodeURIComponent('*:u:'.repeat(10))}`],
    ['a very long state', `?code=abc&state=${'x'.repeat(4000)}`],
    ['several states', `?code=abc&state=${'x'.repeat(43)}&state=${'y'.repeat(43)}`],
    ['a state that is an object', `?code=abc&state[a]=${'x'.repeat(43)}`],
    ['an error of nobody', '?error=access_denied&error_description=x'],
  ])('answers 400 with a login_url to %s', async (_name, query) => {
    const visitor = new Visitor(await startWeb())
    await visitor.get('/auth/login')
    expectMissing(await visitor.get(`/auth/callback${query}`))
  })

  it('is refused in a browser without the cookie, and the login continues in its own browser', async () => {
    const web = await startWeb()
    const visitor = new Visitor(web)
    const callback = await visitor.untilCallback()

    expectMissing(await new Visitor(web).open(callback))
    expect((await visitor.open(callback)).status).toBe(302)
  })

  it("is refused in a browser with another cookie, so that nobody is logged in to another user's account", async () => {
    const web = await startWeb()
    const [victim, attacker] = [new Visitor(web), new Visitor(web)]
    await victim.get('/auth/login')
    const callback = await attacker.untilCallback('/auth/login', GRACE)

    expectMissing(await victim.open(callback))
    expect((await victim.me()).status).toBe(401)
    expect(codes(web)).toEqual([])
  })

  it('is refused with a forged cookie', async () => {
    const web = await startWeb()
    const visitor = new Visitor(web)
    const callback = await visitor.untilCallback()
    const cookie = visitor.cookies.replace(/(auth\.interactive=s%3A[\w-]+\.)./, '$1!')
    const answer = await fetch(callback, { headers: { cookie }, redirect: 'manual' })
    expect(answer.status).toBe(400)
  })

  it.each([
    ['an answer of another issuer', (callback: string) => `${callback}&iss=https%3A%2F%2Fevil.example%2F`],
    ['two codes', (callback: string) => `${callback}&code=other`],
    ['no code', (callback: string) => callback.replace(/code=[^&]+&?/, '')],
    ['the code of nobody', (callback: string) => callback.replace(/code=[^&]+/, 'code=other')],
  ])('is refused for %s', async (_name, change) => {
    const visitor = new Visitor(await startWeb())
    expectMissing(await visitor.open(change(await visitor.untilCallback())))
    expect((await visitor.me()).status).toBe(401)
  })

  it('is refused with the code of another login of the same browser', async () => {
    const visitor = new Visitor(await startWeb())
    const [one, two] = [new URL(await visitor.untilCallback()), new URL(await visitor.untilCallback())]
    one.searchParams.set('code', two.searchParams.get('code') ?? '')
    expect((await visitor.open(one.href)).status).toBeGreaterThanOrEqual(400)
    expect((await visitor.me()).status).toBe(401)
  })

  it('returns to the login page, where the user can log in again', async () => {
    const web = await startWeb()
    const visitor = new Visitor(web)
    const begun = await visitor.get('/auth/login')
    await visitor.open(await visitor.atAuth0(begun.location))

    expectMissing(await visitor.open(await visitor.atAuth0(begun.location)))
    expect((await visitor.enter()).status).toBe(302)
  })
})

describe('abandoned logins', () => {
  it('100 of them leave one small cookie and five records that expire', async () => {
    const web = await startWeb()
    const visitor = new Visitor(web)
    for (let times = 0; times < 100; times++) await visitor.get('/auth/login')

    expect(visitor.cookies.length).toBeLessThan(1024)
    const keys = (await keysUnder(web.prefix)).filter((key) => key.includes(':x:'))
    const redis = openRedis()
    const lives = await Promise.all(keys.map((key) => redis.pttl(key)))
    expect(keys).toHaveLength(6)
    for (const life of lives) {
      expect(life).toBeGreaterThan(0)
      expect(life).toBeLessThanOrEqual(600_000)
    }
    expect((await visitor.enter()).status).toBe(302)
  })

  it('are limited per address by rateLimit.attempts, apart from logins with a password', async () => {
    const rateLimit = { attempts: { limit: 3, windowMs: 60_000 } }
    const web = await startWeb({ options: { rateLimit } })
    for (let turn = 0; turn < 3; turn++) expect((await new Visitor(web).get('/auth/login')).status).toBe(302)

    const refused = await new Visitor(web).get('/auth/login')

    expect([refused.status, bodyOf(refused).error]).toEqual([429, 'rate_limited'])
    expect(refused.headers.get('retry-after')).toMatch(/^[1-9]/)
    expect(refused.headers.getSetCookie()).toEqual([])
    expect((await keysUnder(web.prefix)).filter((key) => /:x:[^:]+:/.test(key))).toHaveLength(3)
    const { status } = await web.login()
    expect(status).toBe(200)
  })

  it('the oldest of six ends, and the others continue', async () => {
    const visitor = new Visitor(await startWeb())
    const callbacks: string[] = []
    for (let times = 0; times < 6; times++) callbacks.push(await visitor.untilCallback())
    expectMissing(await visitor.open(callbacks[0]!))
    for (const callback of callbacks.slice(1)) expect((await visitor.open(callback)).status).toBe(302)
  })

  it('a completed login leaves only its session', async () => {
    const web = await startWeb()
    await new Visitor(web).enter()
    const kinds = (await keysUnder(web.prefix)).map((key) => /:([a-z]+):[^:]+$/.exec(key)?.[1])
    expect(kinds).toEqual(['s', 'u'])
  })

  it('show nothing of the login in Redis', async () => {
    const web = await startWeb()
    const begun = await new Visitor(web).get('/auth/login?return_to=/secret-place')
    const redis = openRedis()
    const [record] = (await keysUnder(web.prefix)).filter((key) => /:x:[^:]+:/.test(key))
    const stored = Object.values(await redis.hgetall(record!)).join()
    expect(stored).not.toContain('secret-place')
    expect(stored).not.toContain(new URL(begun.location).searchParams.get('nonce'))
  })
})

describe('revokeAll while a login is under way', () => {
  it.each(['redis', 'memory'] as const)('promise 3: the login at Auth0 does not survive it, in %s', async (store) => {
    const web = await startWeb({ store, options: OFFLINE })
    const visitor = new Visitor(web)
    const callback = await visitor.untilCallback()

    await web.auth.sessions.revokeAll(web.emulator.users.get(ada.email)!.sub)

    const refused = await visitor.open(callback)
    expect([refused.status, bodyOf(refused).error]).toEqual([401, 'session_expired'])
    expect(refused.headers.getSetCookie()).toEqual([])
    expect((await visitor.enter()).status).toBe(302)
    expect((await visitor.me()).status).toBe(200)
  })

  it('promise 3: nor does one whose code is being exchanged, and its refresh token is revoked', async () => {
    const web = await startWeb({ options: OFFLINE })
    const visitor = new Visitor(web)
    const held = web.emulator.hold({ grantType: 'authorization_code', after: true })
    const entering = visitor.enter()
    await held.arrived

    await web.auth.sessions.revokeAll(web.emulator.users.get(ada.email)!.sub)
    held.release()

    expect((await entering).status).toBe(401)
    await web.auth.close()
    expect(web.emulator.requestsTo('/oauth/revoke')).toHaveLength(1)
  })
})

describe('Redis in trouble', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterEach(() => server.resume())
  afterAll(() => server.stop())

  const start = () => startWeb({ options: { redis: server.url, timeouts: { redis: 300 } } })

  it('answers 503 at the start and at the callback while Redis is frozen', async () => {
    const visitor = new Visitor(await start())
    const callback = await visitor.untilCallback()
    server.pause()

    const answers = [await visitor.get('/auth/login'), await visitor.open(callback)]

    for (const answer of answers) {
      expect([answer.status, bodyOf(answer).error]).toEqual([503, 'session_unavailable'])
      expect(answer.headers.get('retry-after')).not.toBeNull()
      expect(answer.headers.getSetCookie()).toEqual([])
    }
  })

  it('answers 400 after Redis has lost everything, and the next login works', async () => {
    const visitor = new Visitor(await start())
    const callback = await visitor.untilCallback()
    const redis = new Redis(server.url)
    endWithTest(async () => redis.disconnect())
    await redis.flushall()

    expectMissing(await visitor.open(callback))
    expect((await visitor.enter()).status).toBe(302)
  })
})
