import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { inBothApps, keyOf, keysOf, logIn, type Site, type SiteSettings, startSite, startTwin } from './support/site.ts'

const DAY = 86_400_000

let server: RedisServer

// A separate server, because the tests count every command.
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

const startHere = (more: SiteSettings = {}) => startSite({ redisUrl: server.url, ...more })

const OWN = ['info', 'config|resetstat', 'config|set', 'config']

/** Command -> calls since the last reset, including those in scripts, excluding the commands used for counting. */
async function commands({ redis }: Site): Promise<Record<string, number>> {
  const lines = (await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
  const counts = [...lines].map(([, name, calls]): [string, number] => [name!, Number(calls)])
  return Object.fromEntries(counts.filter(([name]) => !OWN.includes(name)))
}

/** How often the server has read from a socket since the last reset, without the read of this query. */
async function roundTrips({ redis }: Site): Promise<number> {
  return Number(/total_reads_processed:(\d+)/.exec(await redis.info('stats'))![1]) - 1
}

/** The calls that write. */
async function writes(site: Site): Promise<Record<string, number>> {
  const all = Object.entries(await commands(site))
  return Object.fromEntries(
    all.filter(([name]) => !/^(?:evalsha|eval|hmget|hget|hexists|hlen|time|pttl|ping)$/.test(name)),
  )
}

/** The commands of one session extension. */
const EXTENSION = { hset: 1, pexpire: 1 }

/** Makes a session look last seen this many milliseconds ago. */
async function lastSeen({ redis }: Site, key: string, ago: number): Promise<void> {
  const [seconds, microseconds] = await redis.time()
  const now = Number(seconds) * 1000 + Number(microseconds) / 1000
  await redis.hset(key, 's', Math.floor(now - ago))
  await redis.pexpire(key, Number(await redis.hget(key, 'i')) - ago)
}

const resetStats = ({ redis }: Site) => redis.config('RESETSTAT')

inBothApps('an authenticated GET', () => {
  it('promise 6: costs one Redis round trip and sets no cookie', async () => {
    const site = await startHere()
    const { cookie } = await logIn(site)
    await site.get('/me', cookie)
    await resetStats(site)

    const { status, headers } = await site.get('/me', cookie)

    expect(await roundTrips(site)).toBe(1)
    expect(await commands(site)).toEqual({ hmget: 1 })
    expect(status).toBe(200)
    expect(headers.get('set-cookie')).toBeNull()
  })

  it('promise 6: costs one Redis round trip if it is the first of its session', async () => {
    const site = await startHere()
    const twin = await startTwin(site)
    const [one, two] = [await logIn(site), await logIn(site)]
    await twin.get('/me', one.cookie)
    await resetStats(site)

    await twin.get('/me', two.cookie)

    expect(await roundTrips(site)).toBe(1)
    expect(await writes(site)).toEqual({})
  })

  it('promise 6: costs one Redis round trip and no write if it gets an access token too', async () => {
    const site = await startHere()
    const { cookie } = await logIn(site)
    await site.get('/me', cookie)
    await resetStats(site)

    expect((await site.get('/token', cookie)).status).toBe(200)

    expect(await roundTrips(site)).toBe(1)
    expect(await commands(site)).toEqual({ hmget: 1 })
  })

  it('promise 6: causes one write for 500 requests within a minute', async () => {
    const site = await startHere({ clockSets: 'everything' })
    const { cookie } = await logIn(site, { remember_me: false })
    site.clock.advance(61)
    await resetStats(site)
    const answers = []

    for (let second = 0; second < 50; second++) {
      answers.push(...(await Promise.all(Array.from({ length: 10 }, () => site.get('/me', cookie)))))
      site.clock.advance(1)
    }

    expect(await writes(site)).toEqual(EXTENSION)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(answers.filter(({ headers }) => headers.has('set-cookie'))).toEqual([])
  })

  it('promise 6: causes no write for 100 requests right after the login', async () => {
    const site = await startHere()
    const { cookie } = await logIn(site)
    await resetStats(site)

    await Promise.all(Array.from({ length: 100 }, () => site.get('/me', cookie)))

    expect(await writes(site)).toEqual({})
  })
})

describe('a session', () => {
  it("promise 6: is one key, in addition to the user's list", async () => {
    const site = await startHere({
      after: (app, auth) => {
        app.get('/write', auth.session, auth.requireAuth, (req, res) => {
          Object.assign(req.session, { cart: ['book'] })
          res.json({})
        })
      },
    })
    const { cookie, id } = await logIn(site)
    await site.get('/write', cookie)
    await site.get('/token', cookie)

    const kinds = (await keysOf(site)).map((key) => /:([a-z]+):[^:]+$/.exec(key)![1])

    expect(kinds).toEqual(['s', 'u'])
    expect((await site.redis.hkeys(await keyOf(site, { kind: 's', id }))).sort()).toEqual([
      'd',
      'e',
      'i',
      'l',
      's',
      't',
    ])
  })
})

describe('the idle time of a session', () => {
  it.each([
    ['an ordinary', false, DAY],
    ['a remembered', true, 14 * DAY],
  ])('promise 6: of %s session is extended once for 50 concurrent requests', async (_name, remember_me, idle) => {
    const site = await startHere()
    const { cookie, id } = await logIn(site, { remember_me })
    const key = await keyOf(site, { kind: 's', id })
    await lastSeen(site, key, 60_001)
    await resetStats(site)

    const answers = await Promise.all(Array.from({ length: 50 }, () => site.get('/me', cookie)))

    expect(await writes(site)).toEqual(EXTENSION)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(answers.filter(({ headers }) => headers.has('set-cookie'))).toEqual([])
    expect(await site.redis.pttl(key)).toBeGreaterThan(idle - 5000)
    expect(await site.redis.pttl(key)).toBeLessThanOrEqual(idle)
  })

  it('promise 6: is extended once a minute', async () => {
    const site = await startHere({ clockSets: 'everything' })
    const { cookie } = await logIn(site)
    const extensions = []

    for (const seconds of [0, 55, 5, 55, 5]) {
      site.clock.advance(seconds)
      await resetStats(site)
      await site.get('/me', cookie)
      extensions.push((await commands(site)).pexpire ?? 0)
    }

    expect(extensions).toEqual([0, 0, 1, 0, 1])
  })

  it('promise 6: is not extended within the minute by a process that sees the session for the first time', async () => {
    const site = await startHere()
    const twin = await startTwin(site)
    const { cookie, id } = await logIn(site, { remember_me: false })
    await lastSeen(site, await keyOf(site, { kind: 's', id }), 50_000)
    await resetStats(site)

    await twin.get('/me', cookie)

    expect(await writes(site)).toEqual({})
  })

  it('promise 6: is extended once by two processes', async () => {
    const site = await startHere({ clockSets: 'everything' })
    const twin = await startTwin(site)
    const { cookie } = await logIn(site, { remember_me: false })
    await site.get('/me', cookie)
    await twin.get('/me', cookie)
    site.clock.advance(60)
    await resetStats(site)

    await twin.get('/me', cookie)
    await site.get('/me', cookie)

    expect(await writes(site)).toEqual(EXTENSION)
  })
})

describe('an anonymous request', () => {
  const paths = ['/me', '/public', '/auth/user', '/auth/sessions', '/token', '/nowhere']

  it('promise 6: sends nothing to Redis, even 500 times', async () => {
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

    for (let round = 0; round < 500; round += 100) {
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
  ])('promise 6: with %s stores nothing, nor does its logout or failed login', async (_name, cookie) => {
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
