import { describe, expect, it } from '@jest/globals'
import type { Express, Response } from 'express'
import request from 'supertest'
import type { AuthError, RopgAuth } from '../../lib/index.ts'
import type { TokenRecord } from '../../lib/session/session-vault.ts'
import {
  inBothApps,
  keyPrefix,
  keysOf,
  logIn,
  logInAndExpire,
  openVault,
  refreshes,
  refusal,
  revoked,
  startSite,
  startTwin,
  until,
  type Site,
} from '../promises/support/site.ts'
import { cookieOf } from '../http/wire.ts'
import { ada, answersItself, secret, startApp } from '../support/app.ts'
import { startRedis, type RedisServer } from '../support/redis-server.ts'

const b = 'the new secret, of more than 32 characters'
const withSecrets = (...secrets: string[]) => ({ options: { session: { secret: secrets } } })
const statusOf = async (site: Site, path: string, cookie: string) => (await site.get(path, cookie)).status
const subOf = ({ emulator }: Site) => emulator.users.get(ada.email)!.sub

const notes = (app: Express, auth: RopgAuth) => {
  app.post('/note', auth.session, (req, res) => {
    Object.assign(req.session, { note: 'kept' })
    res.json({})
  })
  app.get('/note', auth.session, (req, res) => void res.json({ note: Reflect.get(req.session, 'note') ?? null }))
}

describe("findings 11: Redis evicts a user's session list", () => {
  async function startEvicted() {
    const site = await startSite({ clockSets: 'everything' })
    const first = await logIn(site)
    const listKey = (await keysOf(site)).find((key) => key.includes(':u:'))!
    await site.redis.del(listKey)
    return { site, first }
  }
  const listed = async (site: Site) => (await site.auth.sessions.list(subOf(site))).length

  it('adds a session back on use, so that revokeAll ends it', async () => {
    const { site, first } = await startEvicted()
    const second = await logIn(site)
    expect(await listed(site)).toBe(1)
    site.clock.advance(61)
    for (const { cookie } of [first, second]) expect(await statusOf(site, '/me', cookie)).toBe(200)
    await until(async () => (await listed(site)) === 2)
    expect(await site.auth.sessions.revokeAll(subOf(site))).toBe(2)
    for (const { cookie } of [first, second]) expect(await statusOf(site, '/me', cookie)).toBe(401)
  })

  it('ends a session that was revoked before it was added back', async () => {
    const { site, first } = await startEvicted()
    const second = await logIn(site)
    // The first session is on no list, so it is not ended immediately.
    expect(await site.auth.sessions.revokeAll(subOf(site))).toBe(1)
    expect(await statusOf(site, '/me', second.cookie)).toBe(401)
    site.clock.advance(61)
    await site.get('/me', first.cookie)
    await until(async () => (await statusOf(site, '/me', first.cookie)) === 401)
  })
})

inBothApps('findings 12: secrets change while old and new processes run', () => {
  // Each rotation step with two processes side by side. The first two are the documented steps.
  const STEPS: [title: string, before: string[], after: string[]][] = [
    ['[a] to [a, b]', [secret], [secret, b]],
    ['[a, b] to [b, a]', [secret, b], [b, secret]],
    ['[b, a] to [b]', [b, secret], [b]],
  ]

  describe.each(STEPS)('%s', (title, before, after) => {
    const hasDropped = title === '[b, a] to [b]'
    const start = async () => {
      const old = await startSite({ ...withSecrets(...before), after: notes })
      return { old, fresh: await startTwin(old, withSecrets(...after)) }
    }

    it('accepts logins of either process in both', async () => {
      const { old, fresh } = await start()
      for (const { cookie } of [await logIn(old), await logIn(fresh)]) {
        for (const site of [old, fresh, old]) {
          expect(await statusOf(site, '/me', cookie)).toBe(200)
          expect(await statusOf(site, '/token', cookie)).toBe(200)
          expect(await statusOf(site, '/auth/user', cookie)).toBe(200)
        }
      }
    })

    it('shares refreshed tokens between both processes and loses none', async () => {
      const { old, fresh } = await start()
      const { cookie, id } = await logInAndExpire(old)
      for (const [place, site] of [fresh, old, fresh, old].entries()) {
        const here = await site.get('/token', cookie)
        const there = await (site === old ? fresh : old).get('/token', cookie)
        expect([here.status, there.status]).toEqual([200, 200])
        expect(there.body.accessToken).toBe(here.body.accessToken)
        expect(refreshes(old)).toHaveLength(place + 1)
        old.clock.advance(90_000)
      }
      const stored = await openVault(old, { prefix: await keyPrefix(old), secrets: [secret, b] }).tokens(id)
      const { refreshToken } = stored as TokenRecord
      expect(old.emulator.refreshTokens.isActive(refreshToken!)).toBe(true)
      expect(revoked(old)).toEqual([])
    })

    it('shares app data, sessions, and logouts between both processes', async () => {
      const { old, fresh } = await start()
      for (const [here, there] of [
        [old, fresh],
        [fresh, old],
      ] as const) {
        const { cookie } = await logIn(here)
        const other = await logIn(there)
        await there.send('POST', '/note', { cookie })
        expect((await here.get('/note', cookie)).body).toEqual({ note: 'kept' })
        expect((await there.send('DELETE', '/auth/sessions', { cookie })).status).toBe(204)
        expect(await statusOf(here, '/me', other.cookie)).toBe(401)
        expect((await there.send('POST', '/auth/logout', { cookie })).status).toBe(200)
        expect(await statusOf(here, '/me', cookie)).toBe(401)
      }
    })

    if (hasDropped) return

    it('logs nobody out', async () => {
      const { old, fresh } = await start()
      const cookies = await Promise.all([logIn(old), logInAndExpire(old), logIn(old, { remember_me: false })])
      const before = await keysOf(old)
      for (const site of [fresh, old, fresh])
        for (const { cookie } of cookies) expect(await statusOf(site, '/me', cookie)).toBe(200)
      expect(await keysOf(old)).toEqual(before)
    })
  })

  it('in one step: old processes refuse new logins without ending them', async () => {
    const old = await startSite({ ...withSecrets(secret) })
    const fresh = await startTwin(old, withSecrets(b, secret))
    const { cookie, id } = await logIn(fresh)
    for (const path of ['/me', '/token', '/auth/user', '/auth/sessions']) {
      const answer = await old.get(path, cookie)
      expect([answer.status, answer.body]).toEqual([401, refusal('unauthenticated')])
      expect(answer.headers.get('set-cookie')).toBeNull()
    }
    expect(await statusOf(fresh, '/token', cookie)).toBe(200)
    expect((await keysOf(old)).some((key) => key.endsWith(id))).toBe(true)
    expect(revoked(old)).toEqual([])
  })

  it('in one step: a session refreshed by a new process stays valid there', async () => {
    const old = await startSite({ ...withSecrets(secret) })
    const fresh = await startTwin(old, withSecrets(b, secret))
    const { cookie } = await logInAndExpire(old)
    expect(await statusOf(fresh, '/token', cookie)).toBe(200)
    expect(await statusOf(old, '/token', cookie)).toBe(401)
    expect(await statusOf(fresh, '/token', cookie)).toBe(200)
    expect(refreshes(old)).toHaveLength(1)
    expect(revoked(old)).toEqual([])
  })
})

describe('findings 13: Redis is down at a logout', () => {
  const cleared = /^auth=; Path=\/; Expires=Thu, 01 Jan 1970/

  it.each([
    ['POST /logout', '/auth/logout'],
    ['auth.logout in a route of the app', '/own/logout'],
    ['req.auth.logout', '/mine/logout'],
  ])('%s: answers 503 and clears the cookie', async (_title, path) => {
    const server = await startRedis()
    try {
      const app = await startApp({
        options: { redis: server.url, timeouts: { redis: 200 } },
        after: (app, auth) => addLogouts(app, auth, server),
      })
      const cookie = cookieOf(await app.login().expect(200))
      if (path !== '/mine/logout') await server.kill()
      const answer = await request(app.app).post(path).set('Cookie', cookie)
      expect([answer.status, answer.body]).toEqual([503, refusal('session_unavailable')])
      expect(answer.headers['set-cookie']).toEqual([expect.stringMatching(cleared)])
    } finally {
      await server.stop()
    }
  })
})

function addLogouts(app: Express, auth: RopgAuth, server: RedisServer): void {
  const send = (work: Promise<void>, res: Response) =>
    work.then(
      () => res.json({}),
      (err: unknown) => res.status((err as AuthError).status).json(err),
    )
  app.post('/own/logout', (req, res) => void send(auth.logout(req), res))
  app.post('/mine/logout', auth.requireAuth, async (req, res) => {
    await server.kill()
    await send(req.auth.logout(), res)
  })
}

describe('findings 14: requireAuth before a router at /', () => {
  const lines = ({ logged }: Site) => logged.filter((line) => line.includes('mount the router first'))
  const startWith = (order: 'guard first' | 'router first') =>
    startSite({
      store: 'memory',
      before: (app, auth) => {
        if (order === 'guard first') app.use(answersItself, auth.requireAuth)
        app.use(auth.router)
        if (order === 'router first') app.use(auth.requireAuth)
      },
    })
  const body = { email: ada.email, password: ada.password }

  it.each(['/login', '/login/', '/login?next=%2F', '/auth/login'])(
    'POST %s is refused, and the log says once to mount the router first',
    async (path) => {
      const site = await startWith('guard first')
      for (let times = 0; times < 3; times++) {
        const answer = await site.send('POST', path, { body })
        expect([answer.status, answer.body]).toEqual([401, refusal('unauthenticated')])
      }
      expect(lines(site)).toHaveLength(1)
      expect(lines(site)[0]).toMatch(/requireAuth.*app\.use\(path, auth\.router\).*app\.use\(auth\.requireAuth\)/)
      expect(site.emulator.requests).toEqual([])
    },
  )

  it('GET /login is refused, and the log says once to mount the router first', async () => {
    const site = await startWith('guard first')
    for (let times = 0; times < 3; times++) expect((await site.get('/auth/login?return_to=%2F')).status).toBe(401)
    expect(lines(site)).toHaveLength(1)
  })

  it('logs in and logs nothing if the router comes first', async () => {
    const site = await startWith('router first')
    expect((await site.send('POST', '/login', { body })).status).toBe(200)
    expect((await site.get('/anything')).status).toBe(401)
    expect((await site.send('POST', '/orders')).status).toBe(401)
    expect(lines(site)).toEqual([])
  })
})
