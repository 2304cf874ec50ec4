import { Socket } from 'node:net'
import { expect, it, jest } from '@jest/globals'
import type { Express } from 'express'
import { Redis } from 'ioredis'
import type { RopgAuth } from '../../lib/index.ts'
import { ada } from '../support/app.ts'
import { testRedisUrl } from '../support/redis.ts'
import {
  endWithTest,
  gate,
  keyOf,
  logIn,
  logInAndExpire,
  keysOf,
  refreshes,
  refusal,
  revoked,
  sessionKeysOf,
  type Site,
  onBothPaths,
  startSite,
  startTwin,
  until,
} from './support/site.ts'

const afterRotation = { grantType: 'refresh_token', after: true }

/** `GET /write` loads the session, waits at the gate, then writes it. */
function heldWriter() {
  const loaded = gate()
  const released = gate()
  const after = (app: Express, auth: RopgAuth) => {
    app.get('/write', auth.requireAuth, async (req, res) => {
      loaded.open()
      await released.opened
      Object.assign(req.session, { cart: ['book'] })
      res.json({})
    })
    app.get('/save', auth.requireAuth, async (req, res) => {
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
  // The lock of a refresh goes right after its answer.
  await until(async () => (await sessionKeysOf(site, id)).length === 0)
  const answer = await site.get('/me', cookie)
  expect([answer.status, answer.body]).toEqual([401, refusal('session_expired')])
  expect((await site.get('/token', cookie)).status).toBe(401)
  expect(await sessionKeysOf(site, id)).toEqual([])
}

onBothPaths('POST /logout', () => {
  it.each(['/write', '/save'])(
    'promise 3: is final while GET %s is held and writes the session later',
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

  it('promise 3: leaves no key of a user whose only session it was', async () => {
    const site = await startSite()
    const { cookie } = await logIn(site)

    await site.send('POST', '/auth/logout', { cookie })

    expect(await keysOf(site)).toEqual([])
  })

  it('promise 3: between the answer of Auth0 and the write revokes the new refresh token and stores nothing', async () => {
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

  it('promise 3: revokes the new refresh token even when Auth0 never heard of the revocation of the old one', async () => {
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

  it('promise 3: before a refresh reaches Auth0 ends with nothing stored, too', async () => {
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

  it('promise 3: ends those who wait for the refresh of another process', async () => {
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

  it('promise 3: twice at once, and beside a refresh, ends the session once', async () => {
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

onBothPaths('the answer of Redis to a deletion is lost', () => {
  /** The next `GETDEL` of tokens reaches the server, and its answer nobody. */
  function losingOnce(): Redis {
    const redis = new Redis(testRedisUrl(), { commandTimeout: 1000, maxRetriesPerRequest: 1 })
    const take = redis.getdel.bind(redis)
    let lost = false
    const getdel = async (key: string) => {
      const value = await take(key)
      if (lost || !key.includes(':t:')) return value
      lost = true
      throw new Error('Connection is closed.')
    }
    endWithTest(async () => redis.disconnect())
    return Object.assign(redis, { getdel })
  }

  it.each<[string, (site: Site, cookie: string) => Promise<unknown>]>([
    ['POST /logout', (site, cookie) => site.send('POST', '/auth/logout', { cookie })],
    ['auth.sessions.revokeAll', ({ auth }) => auth.sessions.revokeAll('auth0|ada').catch(() => undefined)],
  ])('promise 3: %s revokes the refresh token all the same', async (_name, act) => {
    const site = await startSite({
      options: { redis: losingOnce() },
      emulator: { users: [{ ...ada, sub: 'auth0|ada' }] },
    })
    const { cookie, id } = await logIn(site)

    await act(site, cookie)

    await until(() => site.emulator.refreshTokens.families() === 0)
    await until(async () => (await sessionKeysOf(site, id)).length === 0)
    await expectEnded({ site, cookie, id })
  })

  it('promise 3: a logout that is repeated finds the tokens that an earlier one left behind', async () => {
    const site = await startSite()
    const { cookie, id } = await logIn(site)
    await site.redis.del(await keyOf(site, { kind: 's', id }))

    expect((await site.send('POST', '/auth/logout', { cookie })).status).toBe(200)

    await until(() => site.emulator.refreshTokens.families() === 0)
    expect(await sessionKeysOf(site, id)).toEqual([])
  })

  it('promise 3: deletes tokens and session in one write, which no crash can cut in two', async () => {
    const site = await startSite()
    const { cookie } = await logIn(site)
    const single = jest.spyOn(Socket.prototype, '_write')
    const several = jest.spyOn(Socket.prototype as Required<Socket>, '_writev')

    expect((await site.send('POST', '/auth/logout', { cookie })).status).toBe(200)

    const alone = single.mock.calls.map(([chunk]) => String(chunk))
    const together = several.mock.calls.map(([chunks]) => chunks.map(({ chunk }) => String(chunk)).join(''))
    jest.restoreAllMocks()
    const deletions = [...alone, ...together].filter((bytes) => /\r\n(getdel|del)\r\n/i.test(bytes))
    expect(deletions.map((bytes) => bytes.match(/:[st]:/g))).toEqual([[':t:', ':s:']])
  })

  it('promise 3: tokens are deleted only when they are known', async () => {
    const site = await startSite({ options: { redis: unreadable() } })
    const { cookie, id } = await logIn(site)

    expect((await site.send('POST', '/auth/logout', { cookie })).status).toBe(503)

    expect(await sessionKeysOf(site, id)).toHaveLength(2)
  })

  /** Answers no question for tokens. */
  function unreadable(): Redis {
    const redis = new Redis(testRedisUrl(), { commandTimeout: 1000, maxRetriesPerRequest: 1 })
    const read = redis.get.bind(redis)
    endWithTest(async () => redis.disconnect())
    const get = (key: string) => (key.includes(':t:') ? Promise.reject(new Error('Connection is closed.')) : read(key))
    return Object.assign(redis, { get })
  }
})

onBothPaths('a revocation', () => {
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

  it('promise 3: finds a login wherever it is: copied into a new session it is none', async () => {
    const site = await startSite({
      after: (app, auth) => {
        app.get('/renew', auth.requireAuth, (req, res) => {
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
    'promise 3: by %s is final for a refresh in flight, and spares %i',
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
    'promise 3: is final while GET %s is held and writes the session later',
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

  it('promise 3: of all sessions ends each for every process at its next request', async () => {
    const site = await startSite()
    const twin = await startTwin(site)
    const all = await Promise.all(Array.from({ length: 5 }, () => logIn(site)))
    const { sub } = (await site.get('/me', all[0]!.cookie)).body

    expect(await twin.auth.sessions.revokeAll(sub)).toBe(5)

    const answers = await Promise.all(all.flatMap(({ cookie }) => [site.get('/me', cookie), twin.get('/me', cookie)]))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(401))
    expect(await keysOf(site)).toEqual([])
    await until(() => site.emulator.refreshTokens.families() === 0)
  })
})
