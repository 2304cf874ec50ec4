import { describe, expect, it } from '@jest/globals'
import type { RopgAuthOptions } from '../../lib/index.ts'
import { ada } from '../support/app.ts'
import {
  inBothApps,
  keyOf,
  keysOf,
  logIn,
  refusal,
  type Site,
  type SiteSettings,
  startSite,
  until,
} from './support/site.ts'

const HOUR = 3600
const DAY = 24 * HOUR

const kinds: [name: string, remember_me: boolean, lifetime: { idle: number; absolute: number }][] = [
  ['an ordinary', false, { idle: DAY, absolute: 7 * DAY }],
  ['a remembered', true, { idle: 14 * DAY, absolute: 30 * DAY }],
]

const stores: [SiteSettings['store'] & string][] = [['redis'], ['memory']]

async function expectOver(site: Site, cookie: string): Promise<void> {
  for (const path of ['/me', '/token', '/auth/user', '/auth/sessions']) {
    const { status, body } = await site.get(path, cookie)
    expect([path, status, body]).toEqual([path, 401, refusal('session_expired')])
  }
}

describe.each(kinds)('%s session', (_name, remember_me, { idle, absolute }) => {
  it('promise 8: has its idle timeout as TTL and reports when it ends', async () => {
    const site = await startSite()
    const { id } = await logIn(site, { remember_me })
    const key = await keyOf(site, { kind: 's', id })

    const [left, end] = [await site.redis.pttl(key), Number(await site.redis.hget(key, 'e'))]

    for (const [found, limit] of [
      [left, idle * 1000],
      [end - Date.now(), absolute * 1000],
    ] as const) {
      expect(found).toBeLessThanOrEqual(limit)
      expect(found).toBeGreaterThan(limit - 10_000)
    }
    const others = await Promise.all((await keysOf(site)).map((name) => site.redis.pttl(name)))
    expect(Math.min(...others)).toBeGreaterThan(0)
  })

  it('promise 8: is never extended beyond its absolute limit', async () => {
    const site = await startSite()
    const { cookie, id } = await logIn(site, { remember_me })
    const key = await keyOf(site, { kind: 's', id })
    const end = Date.now() + 30_000
    await site.redis.hset(key, { e: end, s: Date.now() - 61_000 })

    expect((await site.get('/me', cookie)).status).toBe(200)

    const left = await site.redis.pttl(key)
    expect(left).toBeLessThanOrEqual(30_000)
    expect(left).toBeGreaterThan(20_000)
  })

  it('promise 8: ends after its idle timeout although the cookie is still valid', async () => {
    const site = await startSite()
    const { cookie, id } = await logIn(site, { remember_me })
    const key = await keyOf(site, { kind: 's', id })

    await site.redis.pexpire(key, 1)
    await until(async () => (await site.redis.exists(key)) === 0)

    await expectOver(site, cookie)
  })

  it.each(stores)('promise 8: ends at its absolute limit even if it is in use (%s)', async (store) => {
    const site = await startSite({ store, clockSets: 'everything' })
    const { cookie, answer } = await logIn(site, { remember_me })
    expect(Math.abs(Date.parse(answer.body.expires_at) - site.clock.now() - absolute * 1000)).toBeLessThan(5000)

    let age = 0
    const growTo = (seconds: number) => {
      site.clock.advance(seconds - age)
      age = seconds
    }
    const ages = Array.from({ length: Math.floor((2 * absolute) / idle) - 1 }, (_, step) => ((step + 1) * idle) / 2)
    for (const next of [...ages, absolute - 10]) {
      growTo(next)
      expect((await site.get('/me', cookie)).status).toBe(200)
    }

    growTo(absolute)
    await expectOver(site, cookie)
  })

  it('promise 8: ends after its idle timeout in the in-process store, but not while it is in use', async () => {
    const site = await startSite({ store: 'memory', clockSets: 'everything' })
    const { cookie } = await logIn(site, { remember_me })

    for (const wait of [idle - 60, idle - 60]) {
      site.clock.advance(wait)
      expect((await site.get('/me', cookie)).status).toBe(200)
    }
    site.clock.advance(idle + 1)

    await expectOver(site, cookie)
  })
})

inBothApps('options.session', () => {
  const lifetimes: [string, boolean, NonNullable<RopgAuthOptions['session']>][] = [
    ['idleTimeout and absoluteTimeout', false, { idleTimeout: 2 * HOUR, absoluteTimeout: 5 * HOUR }],
    ['remembered', true, { remembered: { idleTimeout: 2 * HOUR, absoluteTimeout: 5 * HOUR } }],
  ]

  it.each(lifetimes)('promise 8: %s are enforced by the server', async (_name, remember_me, session) => {
    const site = await startSite({ clockSets: 'everything', options: { session } })
    const { cookie, id } = await logIn(site, { remember_me })
    const key = await keyOf(site, { kind: 's', id })
    const left = await site.redis.pttl(key)
    expect(left).toBeLessThanOrEqual(2 * HOUR * 1000)
    expect(left).toBeGreaterThan(2 * HOUR * 1000 - 10_000)

    for (const seconds of [1.9 * HOUR, 1.9 * HOUR, 1.2 * HOUR - 10]) {
      site.clock.advance(seconds)
      expect((await site.get('/me', cookie)).status).toBe(200)
    }
    site.clock.advance(10)

    await expectOver(site, cookie)
  })

  it('promise 8: ends after an idle timeout of one second by the Redis clock', async () => {
    const site = await startSite({ options: { session: { idleTimeout: 1, absoluteTimeout: 60 } } })
    const { cookie, id } = await logIn(site, { remember_me: false })
    const key = await keyOf(site, { kind: 's', id })

    await until(async () => (await site.redis.exists(key)) === 0)

    await expectOver(site, cookie)
  })
})

inBothApps('an ended session', () => {
  it('promise 8: cannot be restored by a write and is not listed', async () => {
    const site = await startSite({
      clockSets: 'everything',
      after: (app, auth) => {
        app.use(auth.session)
        app.get('/write', (req, res) => {
          Object.assign(req.session, { cart: ['book'] })
          res.json({ ropg: req.session.ropg ?? null })
        })
      },
    })
    const { cookie } = await logIn(site)
    const { sub } = (await site.get('/me', cookie)).body
    site.clock.advance(30 * DAY)

    expect((await site.get('/write', cookie)).body).toEqual({ ropg: null })

    await expectOver(site, cookie)
    expect(await site.auth.sessions.list(sub)).toEqual([])
  })

  it('promise 8: is replaced by a new login with a new id', async () => {
    const site = await startSite({ clockSets: 'everything' })
    const old = await logIn(site)
    site.clock.advance(30 * DAY)

    const { cookie, id } = await logIn(site)

    expect(id).not.toBe(old.id)
    expect((await site.get('/me', cookie)).status).toBe(200)
    await expectOver(site, old.cookie)
  })
})

describe.each(stores)('a wrong wall clock in one process (%s)', (store) => {
  const jumps: [string, number][] = [
    ['an hour ahead', HOUR],
    ['an hour behind', -HOUR],
    ['a year ahead', 365 * DAY],
    ['a year behind', -365 * DAY],
  ]

  it.each(jumps)('promise 8: %s neither ends, backdates, nor hides sessions', async (_name, seconds) => {
    const site = await startSite({ store, options: { session: { idleTimeout: 60, absoluteTimeout: 120 } } })
    const before = await logIn(site, { remember_me: false })
    site.clock.advance(seconds)

    const after = await logIn(site, { remember_me: false })

    for (const { cookie } of [before, after]) expect((await site.get('/me', cookie)).status).toBe(200)
    const { sub } = site.emulator.users.get(ada.email)!
    const listed = await site.auth.sessions.list(sub)
    expect(listed.map(({ createdAt }) => Math.abs(Number(createdAt) - Date.now()) < 10_000)).toEqual([true, true])
    expect(Date.parse(after.answer.body.expires_at) - Date.now()).toBeLessThanOrEqual(120_000)
    site.clock.advance(-2 * seconds)
    expect(await site.auth.sessions.revokeAll(sub)).toBe(2)
    for (const { cookie } of [before, after]) await expectOver(site, cookie)
  })
})
