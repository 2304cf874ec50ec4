import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { keyOf, logIn, type Site, type SiteSettings, onBothPaths, startSite, startTwin } from './support/site.ts'

const DAY = 86_400_000

let server: RedisServer

// Of its own, because it counts the commands of all.
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

const startHere = (more: SiteSettings = {}) => startSite({ redisUrl: server.url, ...more })

const OWN = ['info', 'config|resetstat', 'config|set', 'config']

/** Commands since the last reset -> how often; without those that count. */
async function commands({ redis }: Site): Promise<Record<string, number>> {
  const lines = (await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
  const counts = [...lines].map(([, name, calls]): [string, number] => [name!, Number(calls)])
  return Object.fromEntries(counts.filter(([name]) => !OWN.includes(name)))
}

/** How often the server has read from a socket: round trips, and the one that asks. */
async function roundTrips({ redis }: Site): Promise<number> {
  return Number(/total_reads_processed:(\d+)/.exec(await redis.info('stats'))![1]) - 1
}

const resetStats = ({ redis }: Site) => redis.config('RESETSTAT')

onBothPaths('an authenticated GET', () => {
  it('promise 6: costs one round trip to Redis, and sets no cookie', async () => {
    const site = await startHere()
    const { cookie } = await logIn(site)
    await site.get('/me', cookie)
    await resetStats(site)

    const { status, headers } = await site.get('/me', cookie)

    expect(await roundTrips(site)).toBe(1)
    expect(await commands(site)).toEqual({ get: 1 })
    expect(status).toBe(200)
    expect(headers.get('set-cookie')).toBeNull()
  })

  it('promise 6: that asks for a token costs two, and no write', async () => {
    const site = await startHere()
    const { cookie } = await logIn(site)
    await site.get('/token', cookie)
    await resetStats(site)

    expect((await site.get('/token', cookie)).status).toBe(200)

    expect(await roundTrips(site)).toBe(2)
    expect(await commands(site)).toEqual({ get: 2 })
  })

  it('promise 6: 1,000 times in a minute on one session causes one write', async () => {
    const site = await startHere()
    const { cookie, id } = await logIn(site, { remember_me: false })
    await site.redis.pexpire(await keyOf(site, { kind: 's', id }), DAY / 2)
    await resetStats(site)
    const answers = []

    for (let second = 0; second < 50; second++) {
      answers.push(...(await Promise.all(Array.from({ length: 20 }, () => site.get('/me', cookie)))))
      site.clock.advance(1)
    }

    const { pttl, ...others } = await commands(site)
    expect(others).toEqual({ get: 1000, pexpire: 1 })
    // The test itself takes a few of the seconds of that minute.
    expect(pttl).toBeLessThanOrEqual(2)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(answers.filter(({ headers }) => headers.has('set-cookie'))).toEqual([])
  })

  it('promise 6: 100 times right after the login causes no write at all', async () => {
    const site = await startHere()
    const { cookie } = await logIn(site)
    await resetStats(site)

    await Promise.all(Array.from({ length: 100 }, () => site.get('/me', cookie)))

    expect(await commands(site)).toEqual({ get: 100, pttl: 1 })
  })
})

describe('the idle time of a session', () => {
  it.each([
    ['an ordinary', false, DAY],
    ['a remembered', true, 14 * DAY],
  ])('promise 6: of %s session is renewed once for 50 parallel requests', async (_name, remember_me, idle) => {
    const site = await startHere()
    const { cookie, id } = await logIn(site, { remember_me })
    const key = await keyOf(site, { kind: 's', id })
    await site.redis.pexpire(key, idle - 60_001)
    await resetStats(site)

    const answers = await Promise.all(Array.from({ length: 50 }, () => site.get('/me', cookie)))

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(answers.filter(({ headers }) => headers.has('set-cookie'))).toEqual([])
    expect(await commands(site)).toEqual({ get: 50, pttl: 1, pexpire: 1 })
    expect(await site.redis.pttl(key)).toBeGreaterThan(idle - 5000)
    expect(await site.redis.pttl(key)).toBeLessThanOrEqual(idle)
  })

  it('promise 6: is renewed again after a minute, not before', async () => {
    const site = await startHere()
    const { cookie, id } = await logIn(site)
    const key = await keyOf(site, { kind: 's', id })
    const writes = []

    for (const seconds of [0, 59, 1]) {
      site.clock.advance(seconds)
      await site.redis.pexpire(key, DAY)
      await resetStats(site)
      await site.get('/me', cookie)
      writes.push((await commands(site)).pexpire ?? 0)
    }

    expect(writes).toEqual([1, 0, 1])
  })

  it('promise 6: is not renewed while less than a minute of it has passed', async () => {
    const site = await startHere()
    const { cookie, id } = await logIn(site, { remember_me: false })
    await site.redis.pexpire(await keyOf(site, { kind: 's', id }), DAY - 50_000)
    await resetStats(site)

    await site.get('/me', cookie)

    expect(await commands(site)).toEqual({ get: 1, pttl: 1 })
  })

  it('promise 6: by a second process is seen by the first, which then writes nothing', async () => {
    const site = await startHere()
    const twin = await startTwin(site)
    const { cookie, id } = await logIn(site, { remember_me: false })
    await site.get('/me', cookie)
    await twin.get('/me', cookie)
    site.clock.advance(60)
    await site.redis.pexpire(await keyOf(site, { kind: 's', id }), DAY / 2)
    await resetStats(site)

    await twin.get('/me', cookie)
    await site.get('/me', cookie)

    expect((await commands(site)).pexpire).toBe(1)
  })
})

describe('an anonymous request', () => {
  const paths = ['/me', '/public', '/auth/user', '/auth/sessions', '/token', '/nowhere']

  it('promise 6: stores nothing and asks Redis nothing, 1,000 times', async () => {
    const site = await startHere({
      before: (app, auth) => {
        app.use(auth.session)
        app.get('/public', (_req, res) => {
          res.json({})
        })
      },
    })
    await site.auth.ready()
    await site.redis.flushall()
    await resetStats(site)
    const statuses = new Set<number>()

    for (let round = 0; round < 1000; round += 100) {
      const asked = Array.from({ length: 100 }, (_, place) => site.get(paths[place % paths.length]!))
      for (const { status, headers } of await Promise.all(asked)) {
        statuses.add(status)
        expect(headers.get('set-cookie')).toBeNull()
      }
    }

    expect([...statuses].sort()).toEqual([200, 401, 404])
    expect(await site.redis.dbsize()).toBe(0)
    expect(await commands(site)).toEqual({ dbsize: 1 })
  })

  it.each([
    ['no cookie', undefined],
    ['a cookie without a signature', 'auth=abcdefghijklmnopqrstuvwxyz012345'],
    ['a forged signature', `auth=${encodeURIComponent(`s:abcdefghijklmnopqrstuvwxyz012345.${'A'.repeat(43)}`)}`],
  ])('promise 6: with %s stores nothing, at logout and at a refused login neither', async (_name, cookie) => {
    const site = await startHere()
    await site.redis.flushall()
    const sent = cookie === undefined ? {} : { cookie }

    const answers = [
      await site.get('/me', cookie),
      await site.send('POST', '/auth/logout', sent),
      await site.send('POST', '/auth/login', { ...sent, body: { email: 'ada@example.com', password: 'wrong' } }),
      await site.send('POST', '/auth/login', { ...sent, body: {} }),
    ]

    expect(answers.map(({ status }) => status)).toEqual([401, 200, 401, 400])
    expect(await site.redis.dbsize()).toBe(0)
  })
})
