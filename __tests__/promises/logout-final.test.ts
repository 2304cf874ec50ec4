import { describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import { Redis } from 'ioredis'
import type { RopgAuth } from '../../lib/index.ts'
import { END } from '../../lib/store/redis-scripts.ts'
import { ada } from '../support/app.ts'
import { testRedisUrl } from '../support/redis.ts'
import { onScript } from './support/on-script.ts'
import {
  endWithTest,
  gate,
  inBothApps,
  logIn,
  logInAndExpire,
  keysOf,
  refreshes,
  refusal,
  revoked,
  sessionKeysOf,
  type Site,
  type SiteSettings,
  startSite,
  startTwin,
  until,
} from './support/site.ts'

const grace = { email: 'grace@example.com', password: 'nanoseconds of wire' }
const afterRotation = { grantType: 'refresh_token', after: true }

/** `GET /write` loads the session, waits at the gate, and then writes it. */
function heldWriter() {
  const loaded = gate()
  const released = gate()
  const after = (app: Express, auth: RopgAuth) => {
    app.get('/write', auth.session, auth.requireAuth, async (req, res) => {
      loaded.open()
      await released.opened
      Object.assign(req.session, { cart: ['book'] })
      res.json({})
    })
    app.get('/save', auth.session, auth.requireAuth, async (req, res) => {
      loaded.open()
      await released.opened
      Object.assign(req.session, { cart: ['book'] })
      req.session.save(() => res.json({}))
    })
  }
  return { loaded, released, after }
}

interface Ended {
  site: Site
  cookie: string
  id: string
}

async function expectEnded({ site, cookie, id }: Ended): Promise<void> {
  // The refresh lock is released right after the response.
  await until(async () => (await sessionKeysOf(site, id)).length === 0)
  const answer = await site.get('/me', cookie)
  expect([answer.status, answer.body]).toEqual([401, refusal('session_expired')])
  expect((await site.get('/token', cookie)).status).toBe(401)
  expect(await sessionKeysOf(site, id)).toEqual([])
}

inBothApps('POST /logout', () => {
  it.each(['/write', '/save'])(
    'promise 3: is final even if a pending GET %s writes the session later',
    async (path) => {
      const { loaded, released, after } = heldWriter()
      const site = await startSite({ after })
      const { cookie, id } = await logIn(site)
      const writing = site.get(path, cookie)
      await loaded.opened

      expect((await site.send('POST', '/auth/logout', { cookie })).status).toBe(200)
      released.open()
      await writing

      await expectEnded({ site, cookie, id })
    },
  )

  it("promise 3: of a user's only session leaves no key", async () => {
    const site = await startSite()
    const { cookie } = await logIn(site)

    await site.send('POST', '/auth/logout', { cookie })

    expect(await keysOf(site)).toEqual([])
  })

  it("promise 3: between Auth0's refresh response and the write revokes the new refresh token and stores nothing", async () => {
    const site = await startSite({ options: { exposeTokens: true } })
    const twin = await startTwin(site)
    const { cookie, id, answer } = await logInAndExpire(site)
    const gate = site.emulator.hold(afterRotation)
    const token = site.get('/token', cookie)
    await gate.arrived
    await twin.send('POST', '/auth/logout', { cookie })

    gate.release()

    const { status, body } = await token
    expect([status, body]).toEqual([401, refusal('session_expired')])
    await until(() => revoked(site).length === 2)
    const fresh = revoked(site).filter((revokedToken) => revokedToken !== answer.body.refresh_token)
    expect(fresh).toHaveLength(1)
    expect(site.emulator.refreshTokens.isActive(fresh[0]!)).toBe(false)
    expect(site.emulator.refreshTokens.families()).toBe(0)
    await expectEnded({ site, cookie, id })
  })

  it('promise 3: revokes the new refresh token even if revoking the old one failed', async () => {
    const site = await startSite()
    const { cookie } = await logInAndExpire(site)
    const gate = site.emulator.hold(afterRotation)
    const token = site.get('/token', cookie)
    await gate.arrived
    site.emulator.failNext({ path: '/oauth/revoke', status: 500 })
    await site.send('POST', '/auth/logout', { cookie })
    await until(() => revoked(site).length === 1)
    expect(site.emulator.refreshTokens.families()).toBe(1)

    gate.release()

    expect((await token).status).toBe(401)
    await until(() => revoked(site).length === 2)
    await until(() => site.emulator.refreshTokens.families() === 0)
  })

  it('promise 3: before a refresh reaches Auth0 leaves nothing stored', async () => {
    const site = await startSite()
    const { cookie, id } = await logInAndExpire(site)
    const gate = site.emulator.hold({ grantType: 'refresh_token' })
    const token = site.get('/token', cookie)
    await gate.arrived
    await site.send('POST', '/auth/logout', { cookie })
    await until(() => site.emulator.refreshTokens.families() === 0)

    gate.release()

    expect((await token).body).toEqual(refusal('session_expired'))
    await expectEnded({ site, cookie, id })
  })

  it("promise 3: ends requests that wait for another process's refresh", async () => {
    const site = await startSite()
    const twin = await startTwin(site)
    const { cookie, id } = await logInAndExpire(site)
    const gate = site.emulator.hold(afterRotation)
    const holder = site.get('/token', cookie)
    await gate.arrived
    const waiters = Array.from({ length: 5 }, () => twin.get('/token', cookie))

    await site.send('POST', '/auth/logout', { cookie })
    const ended = await Promise.all(waiters)
    gate.release()

    expect(ended.map(({ status }) => status)).toEqual(Array(5).fill(401))
    expect((await holder).status).toBe(401)
    expect(refreshes(site)).toHaveLength(1)
    await until(() => site.emulator.refreshTokens.families() === 0)
    await until(async () => (await sessionKeysOf(site, id)).length === 0)
    await expectEnded({ site, cookie, id })
  })

  it('promise 3: ends the session once for two concurrent logouts and a refresh', async () => {
    const site = await startSite()
    const { cookie, id } = await logInAndExpire(site)

    const [token, ...logouts] = await Promise.all([
      site.get('/token', cookie),
      site.send('POST', '/auth/logout', { cookie }),
      site.send('POST', '/auth/logout', { cookie }),
    ])

    expect([200, 401]).toContain(token.status)
    expect(logouts.map(({ status }) => status)).toEqual([200, 200])
    await until(() => site.emulator.refreshTokens.families() === 0)
    await until(async () => (await sessionKeysOf(site, id)).length === 0)
    await expectEnded({ site, cookie, id })
  })
})

inBothApps('when the Redis response to ending a session is lost', () => {
  const open = () => {
    const redis = new Redis(testRedisUrl(), { commandTimeout: 1000, maxRetriesPerRequest: 1 })
    endWithTest(async () => redis.disconnect())
    return redis
  }

  /** Deletes the first session that it is told to but reports a failure. */
  function losingOnce(): Redis {
    let lost = false
    return onScript(open(), END, async ({ run }) => {
      const ended = await run()
      if (lost) return ended
      lost = true
      throw new Error('Connection is closed.')
    })
  }

  it.each<[string, (site: Site, cookie: string) => Promise<unknown>]>([
    ['POST /logout', (site, cookie) => site.send('POST', '/auth/logout', { cookie })],
    ['auth.sessions.revokeAll', ({ auth }) => auth.sessions.revokeAll('auth0|ada').catch(() => undefined)],
  ])('promise 3: %s still revokes the refresh token', async (_name, act) => {
    const site = await startSite({
      options: { redis: losingOnce() },
      emulator: { users: [{ ...ada, sub: 'auth0|ada' }] },
    })
    const { cookie, id } = await logIn(site)

    await act(site, cookie)

    await until(() => site.emulator.refreshTokens.families() === 0)
    await expectEnded({ site, cookie, id })
    expect(await site.auth.sessions.list('auth0|ada')).toEqual([])
  })

  it('promise 3: deletes a session only once its refresh token is known', async () => {
    const redis = open()
    const read = redis.hmgetBuffer.bind(redis) as (...args: unknown[]) => Promise<unknown>
    let isLeaving = false
    const failing = (key: string, ...fields: string[]) =>
      isLeaving ? Promise.reject(new Error('Connection is closed.')) : read(key, ...fields)
    const site = await startSite({ options: { redis: Object.assign(redis, { hmgetBuffer: failing }) } })
    const { cookie, id } = await logIn(site)

    isLeaving = true
    expect((await site.send('POST', '/auth/logout', { cookie })).status).toBe(503)
    isLeaving = false

    expect(await sessionKeysOf(site, id)).toHaveLength(1)
    expect((await site.get('/me', cookie)).status).toBe(200)
  })
})

inBothApps('a revocation', () => {
  const doers: [name: string, survivors: number, (other: Site, cookie: string, sub: string) => Promise<unknown>][] = [
    ['DELETE /sessions', 1, (other, cookie) => other.send('DELETE', '/auth/sessions', { cookie })],
    ['auth.sessions.revokeAll', 0, (other, _cookie, sub) => other.auth.sessions.revokeAll(sub)],
    [
      'DELETE /sessions/:id',
      1,
      async (other, cookie) => {
        const { body } = await other.get('/auth/sessions', cookie)
        const { id } = body.sessions.find(({ current }: { current: boolean }) => !current)
        return other.send('DELETE', `/auth/sessions/${id}`, { cookie })
      },
    ],
  ]

  it('promise 3: cannot be evaded by copying req.session into a new session', async () => {
    const site = await startSite({
      after: (app, auth) => {
        app.get('/renew', auth.session, auth.requireAuth, (req, res) => {
          const kept = { ...Object.fromEntries(Object.entries(req.session)), cart: ['book'] }
          req.session.regenerate(() => {
            Object.assign(req.session, kept)
            res.json({})
          })
        })
        app.get('/cart', auth.session, (req, res) => void res.json(Reflect.get(req.session, 'cart')))
      },
    })
    const { cookie } = await logIn(site)

    const renewed = (await site.get('/renew', cookie)).headers.get('set-cookie')!.split(';')[0]!

    expect((await site.get('/me', cookie)).status).toBe(401)
    expect((await site.get('/me', renewed)).status).toBe(401)
    expect((await site.get('/cart', renewed)).body).toEqual(['book'])
    await until(() => site.emulator.refreshTokens.families() === 0)
  })

  it.each(doers)(
    'promise 3: by %s is final for a refresh in progress and keeps %i sessions',
    async (_name, survivors, revoke) => {
      const site = await startSite()
      const twin = await startTwin(site)
      const { cookie, id } = await logInAndExpire(site)
      const other = await logIn(twin)
      const { sub } = (await twin.get('/me', other.cookie)).body
      const gate = site.emulator.hold(afterRotation)
      const token = site.get('/token', cookie)
      const { params } = await gate.arrived

      await revoke(twin, other.cookie, sub)
      gate.release()

      expect((await token).body).toEqual(refusal('session_expired'))
      await until(() => revoked(site).length === 3 - survivors)
      expect(revoked(site)).toContain(params.refresh_token)
      expect(site.emulator.refreshTokens.families()).toBe(survivors)
      expect((await twin.get('/me', other.cookie)).status).toBe(survivors ? 200 : 401)
      await until(async () => (await sessionKeysOf(site, id)).length === 0)
      await expectEnded({ site, cookie, id })
    },
  )

  it.each(['/write', '/save'])(
    'promise 3: is final even if a pending GET %s writes the session later',
    async (path) => {
      const { loaded, released, after } = heldWriter()
      const site = await startSite({ after })
      const { cookie, id } = await logIn(site)
      const { sub } = (await site.get('/me', cookie)).body
      const writing = site.get(path, cookie)
      await loaded.opened

      expect(await site.auth.sessions.revokeAll(sub)).toBe(1)
      released.open()
      await writing

      await expectEnded({ site, cookie, id })
    },
  )

  it('promise 3: of all sessions ends each one on every process at the next request', async () => {
    const site = await startSite()
    const twin = await startTwin(site)
    const all = await Promise.all(Array.from({ length: 5 }, () => logIn(site)))
    const { sub } = (await site.get('/me', all[0]!.cookie)).body

    expect(await twin.auth.sessions.revokeAll(sub)).toBe(5)

    const answers = await Promise.all(all.flatMap(({ cookie }) => [site.get('/me', cookie), twin.get('/me', cookie)]))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(401))
    // Only the mark for logins that began earlier remains.
    expect((await keysOf(site)).map((key) => /:([su]):/.exec(key)![1])).toEqual(['u'])
    expect(await twin.auth.sessions.list(sub)).toEqual([])
    await until(() => site.emulator.refreshTokens.families() === 0)
  })
})

describe("a login in progress while its user's sessions are revoked", () => {
  const sub = 'auth0|ada'
  const login = { body: { email: ada.email, password: ada.password, remember_me: true } }

  it.each<[string, SiteSettings['store'] & string]>([
    ['Redis', 'redis'],
    ['the in-process store', 'memory'],
  ])('promise 3: answers 401, stores nothing, and revokes its refresh token (%s)', async (_name, store) => {
    const site = await startSite({ store, emulator: { users: [{ ...ada, sub }] } })
    const held = site.emulator.hold({ path: '/oauth/token', after: true })
    const early = site.send('POST', '/auth/login', login)
    await held.arrived
    expect(site.emulator.refreshTokens.families()).toBe(1)

    expect(await site.auth.sessions.revokeAll(sub)).toBe(0)
    held.release()

    const { status, body, headers } = await early
    expect([status, body]).toEqual([401, refusal('session_expired')])
    expect(headers.get('set-cookie') ?? '').not.toMatch(/auth=s/)
    expect(site.events.at(-1)).toMatchObject({ name: 'login.failed', code: 'session_expired' })
    await until(() => site.emulator.refreshTokens.families() === 0)
    expect(await site.auth.sessions.list(sub)).toEqual([])
    await until(async () => !(await keysOf(site)).some((key) => key.includes(':s:')))

    const { cookie } = await logIn(site)
    expect((await site.get('/me', cookie)).status).toBe(200)
    expect(await site.auth.sessions.list(sub)).toHaveLength(1)
  })

  it('promise 3: does not survive a revocation by a process whose wall clock is an hour behind', async () => {
    const site = await startSite({ emulator: { users: [{ ...ada, sub }] } })
    const behind = { now: () => Date.now() - 3_600_000, advance: () => undefined }
    const twin = await startTwin(site, { clock: behind })
    const held = site.emulator.hold({ path: '/oauth/token', after: true })
    const early = site.send('POST', '/auth/login', login)
    await held.arrived

    await twin.auth.sessions.revokeAll(sub)
    held.release()

    expect((await early).status).toBe(401)
    const [here, there] = [await logIn(site), await logIn(twin)]
    for (const { cookie } of [here, there]) expect((await site.get('/me', cookie)).status).toBe(200)
  })

  it('promise 3: keeps the session that revoked the others', async () => {
    const site = await startSite({ emulator: { users: [{ ...ada, sub }] } })
    const { cookie } = await logIn(site)
    const held = site.emulator.hold({ path: '/oauth/token', after: true })
    const early = site.send('POST', '/auth/login', login)
    await held.arrived

    expect((await site.send('DELETE', '/auth/sessions', { cookie })).status).toBe(204)
    held.release()

    expect((await early).status).toBe(401)
    expect((await site.get('/me', cookie)).status).toBe(200)
    await until(() => site.emulator.refreshTokens.families() === 1)
  })

  it('promise 3: keeps the session that the browser had before the login', async () => {
    const site = await startSite({ emulator: { users: [{ ...ada, sub }, grace] } })
    const { cookie } = await logIn(site, { email: grace.email, password: grace.password })
    const held = site.emulator.hold({ path: '/oauth/token', after: true })
    const early = site.send('POST', '/auth/login', { ...login, cookie })
    await held.arrived

    await site.auth.sessions.revokeAll(sub)
    held.release()

    expect((await early).status).toBe(401)
    expect((await site.get('/me', cookie)).body.user.email).toBe(grace.email)
  })
})
