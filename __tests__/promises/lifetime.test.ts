import { describe, expect, it } from '@jest/globals'
import type { RopgAuthOptions } from '../../lib/index.ts'
import {
  keyOf,
  keysOf,
  logIn,
  refusal,
  type Site,
  type SiteSettings,
  onBothPaths,
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
  it('promise 8: lies in Redis for its idle time, its tokens for its absolute time', async () => {
    const site = await startSite()
    const { id } = await logIn(site, { remember_me })

    const [blob, tokens] = await Promise.all([
      site.redis.pttl(await keyOf(site, { kind: 's', id })),
      site.redis.pttl(await keyOf(site, { kind: 't', id })),
    ])

    for (const [left, limit] of [
      [blob, idle * 1000],
      [tokens, absolute * 1000],
    ] as const) {
      expect(left).toBeLessThanOrEqual(limit)
      expect(left).toBeGreaterThan(limit - 10_000)
    }
    const others = await Promise.all((await keysOf(site)).map((key) => site.redis.pttl(key)))
    expect(Math.min(...others)).toBeGreaterThan(0)
  })

  it('promise 8: is over when its idle time is, though the cookie is still good', async () => {
    const site = await startSite()
    const { cookie, id } = await logIn(site, { remember_me })
    const key = await keyOf(site, { kind: 's', id })

    await site.redis.pexpire(key, 1)
    await until(async () => (await site.redis.exists(key)) === 0)

    await expectOver(site, cookie)
  })

  it.each(stores)('promise 8: is over at its absolute limit, however busy it was (%s)', async (store) => {
    const site = await startSite({ store })
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

  it('promise 8: is over after its idle time in the in-process store, and not while it is used', async () => {
    const site = await startSite({ store: 'memory' })
    const { cookie } = await logIn(site, { remember_me })

    for (const wait of [idle - 60, idle - 60]) {
      site.clock.advance(wait)
      expect((await site.get('/me', cookie)).status).toBe(200)
    }
    site.clock.advance(idle + 1)

    await expectOver(site, cookie)
  })
})

onBothPaths('options.session', () => {
  const lifetimes: [string, boolean, NonNullable<RopgAuthOptions['session']>][] = [
    ['idleTimeout and absoluteTimeout', false, { idleTimeout: 2 * HOUR, absoluteTimeout: 5 * HOUR }],
    ['remembered', true, { remembered: { idleTimeout: 2 * HOUR, absoluteTimeout: 5 * HOUR } }],
  ]

  it.each(lifetimes)('promise 8: %s are kept by the server', async (_name, remember_me, session) => {
    const site = await startSite({ options: { session } })
    const { cookie, id } = await logIn(site, { remember_me })
    const key = await keyOf(site, { kind: 's', id })
    const left = await site.redis.pttl(key)
    expect(left).toBeLessThanOrEqual(2 * HOUR * 1000)
    expect(left).toBeGreaterThan(2 * HOUR * 1000 - 10_000)

    site.clock.advance(5 * HOUR - 10)
    expect((await site.get('/me', cookie)).status).toBe(200)
    site.clock.advance(10)

    await expectOver(site, cookie)
  })

  it('promise 8: a session of one second is gone after it, by the clock of Redis', async () => {
    const site = await startSite({ options: { session: { idleTimeout: 1, absoluteTimeout: 60 } } })
    const { cookie, id } = await logIn(site, { remember_me: false })
    const key = await keyOf(site, { kind: 's', id })

    await until(async () => (await site.redis.exists(key)) === 0)

    await expectOver(site, cookie)
  })
})

onBothPaths('a session that is over', () => {
  it('promise 8: cannot be written back by its user, and is not listed', async () => {
    const site = await startSite({
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

  it('promise 8: gives way to a new login, under a new id', async () => {
    const site = await startSite()
    const old = await logIn(site)
    site.clock.advance(30 * DAY)

    const { cookie, id } = await logIn(site)

    expect(id).not.toBe(old.id)
    expect((await site.get('/me', cookie)).status).toBe(200)
    await expectOver(site, old.cookie)
  })
})
