import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import { Redis } from 'ioredis'
import type { RopgAuth } from '../../lib/index.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import {
  endWithTest,
  gate,
  keyOf,
  keysOf,
  logIn,
  logInAndExpire,
  refreshes,
  refusal,
  revoked,
  type Site,
  type SiteSettings,
  startSite,
  startTwin,
  storedTokens,
  until,
} from './support/site.ts'
import { sendAuthError } from './support/token-routes.ts'

const afterRotation = { grantType: 'refresh_token', after: true }
const timeouts = { auth0: 1000, redis: 300 }

let server: RedisServer

beforeAll(async () => {
  server = await startRedis()
})
afterEach(() => {
  server.resume()
})
afterAll(() => server.stop())

const startHere = (more: SiteSettings = {}) =>
  startSite({ redisUrl: server.url, ...more, options: { timeouts, ...more.options } })

/** A Redis that answers reads and refuses writes, as after losing its replicas. */
const readOnly = ({ redis }: Site, on: boolean) => redis.config('SET', 'min-replicas-to-write', on ? '1' : '0')

async function refusedWrites({ redis }: Site): Promise<number> {
  return Number(/errorstat_NOREPLICAS:count=(\d+)/.exec(await redis.info('errorstats'))?.[1] ?? 0)
}

/** A refresh whose response has arrived while writes fail. */
async function rotateWhileReadOnly(site: Site, cookie: string) {
  const held = site.emulator.hold(afterRotation)
  const token = site.get('/token', cookie)
  await held.arrived
  await readOnly(site, true)
  held.release()
  return token
}

describe('while Redis is frozen', () => {
  it('promise 4: a guarded route answers 503 within the deadline, and the session survives', async () => {
    const site = await startHere()
    const { cookie } = await logIn(site)
    server.pause()
    const began = performance.now()

    const { status, body, headers } = await site.get('/me', cookie)

    expect(performance.now() - began).toBeLessThan(1000)
    expect([status, body]).toEqual([503, refusal('session_unavailable')])
    expect(headers.get('retry-after')).toBe('2')
    expect(headers.get('set-cookie')).toBeNull()
    expect((await site.get('/me')).status).toBe(401)

    server.resume()
    expect((await site.get('/me', cookie)).status).toBe(200)
    expect(site.events.map(({ name }) => name)).toEqual(['login.succeeded', 'store.unavailable', 'store.recovered'])
  })

  it('promise 4: getAccessToken answers 503 without an Auth0 request and succeeds afterwards', async () => {
    const loaded = gate()
    const released = gate()
    const after = (app: Express, auth: RopgAuth) => {
      app.get('/late', auth.requireAuth, async (req, res) => {
        loaded.open()
        await released.opened
        await req.auth.getAccessToken().then(
          (token) => res.json(token),
          (err: unknown) => sendAuthError(err, res),
        )
      })
    }
    const site = await startHere({ after })
    const { cookie } = await logInAndExpire(site)
    const late = site.get('/late', cookie)
    await loaded.opened
    server.pause()

    released.open()

    const { status, body } = await late
    expect([status, body]).toEqual([503, refusal('session_unavailable')])
    expect(refreshes(site)).toHaveLength(0)
    server.resume()
    expect((await site.get('/token', cookie)).status).toBe(200)
    expect(refreshes(site)).toHaveLength(1)
  })

  it('promise 4: logout answers 503, clears the cookie, and can be repeated', async () => {
    const site = await startHere()
    const { cookie } = await logIn(site)
    server.pause()

    const { status, headers } = await site.send('POST', '/auth/logout', { cookie })

    expect(status).toBe(503)
    expect(headers.get('set-cookie')).toMatch(/^auth=;/)
    server.resume()
    expect((await site.send('POST', '/auth/logout', { cookie })).status).toBe(200)
    expect(await keysOf(site)).toEqual([])
  })
})

describe('when Redis freezes between the rotation at Auth0 and the write', () => {
  it('promise 4: the caller gets the new token, and it is stored as soon as possible', async () => {
    const site = await startHere()
    const twin = await startTwin(site)
    const { cookie, id } = await logInAndExpire(site)
    const held = site.emulator.hold(afterRotation)
    const token = site.get('/token', cookie)
    await held.arrived
    server.pause()
    held.release()

    const { status, body } = await token
    server.resume()
    await until(async () => (await storedTokens(site, id))!.version === 2)

    expect(status).toBe(200)
    const { tokenSets, refreshToken } = (await storedTokens(site, id))!
    expect(tokenSets[0]!.accessToken).toBe(body.accessToken)
    expect(site.emulator.refreshTokens.isActive(refreshToken!)).toBe(true)
    expect((await twin.get('/token', cookie)).body).toEqual(body)
    site.clock.advance(86_400)
    expect((await twin.get('/token', cookie)).status).toBe(200)
    expect(site.emulator.refreshTokens.families()).toBe(1)
  })

  it('promise 4: a process that calls during the recovery waits for the new token', async () => {
    const site = await startHere()
    const twin = await startTwin(site)
    const { cookie } = await logInAndExpire(site)
    const held = site.emulator.hold(afterRotation)
    const token = site.get('/token', cookie)
    await held.arrived
    server.pause()
    held.release()
    const { body } = await token

    server.resume()
    const answers = await Promise.all(Array.from({ length: 5 }, () => twin.get('/token', cookie)))

    expect(answers.map(({ body }) => body)).toEqual(Array(5).fill(body))
    expect(refreshes(site)).toHaveLength(1)
    expect(site.emulator.refreshTokens.families()).toBe(1)
  })

  it('promise 4: recovers with a server that has lost its scripts', async () => {
    const site = await startHere()
    const { cookie, id } = await logInAndExpire(site)
    const held = site.emulator.hold(afterRotation)
    const token = site.get('/token', cookie)
    await held.arrived
    await site.redis.script('FLUSH')
    server.pause()
    held.release()
    await token

    server.resume()
    await until(async () => (await storedTokens(site, id))!.version === 2)

    site.clock.advance(86_400)
    expect((await site.get('/token', cookie)).status).toBe(200)
    expect(site.emulator.refreshTokens.families()).toBe(1)
  })

  it('promise 4: close() waits for the write', async () => {
    const site = await startHere()
    const { cookie, id } = await logInAndExpire(site)
    const held = site.emulator.hold(afterRotation)
    const token = site.get('/token', cookie)
    await held.arrived
    server.pause()
    held.release()
    await token

    const closed = site.auth.close()
    server.resume()
    await closed

    const { version, refreshToken } = (await storedTokens(site, id))!
    expect(version).toBe(2)
    expect(site.emulator.refreshTokens.isActive(refreshToken!)).toBe(true)
  })
})

describe('a closing instance', () => {
  it('promise 4: refuses to refresh while closing, so that no new token is lost', async () => {
    const site = await startHere()
    const twin = await startTwin(site)
    const [one, two] = [await logInAndExpire(site), await logInAndExpire(site)]
    const revocation = site.emulator.hold({ path: '/oauth/revoke' })
    await site.send('POST', '/auth/logout', { cookie: two.cookie })
    await revocation.arrived
    const closed = site.auth.close()

    const { status, body } = await site.get('/token', one.cookie)
    revocation.release()
    await closed

    expect([status, body]).toEqual([503, refusal('session_unavailable')])
    expect(refreshes(site)).toHaveLength(0)
    expect((await twin.get('/token', one.cookie)).status).toBe(200)
  })
})

describe('when Redis refuses writes after the rotation at Auth0', () => {
  afterEach(async () => {
    const redis = new Redis(server.url)
    await redis.config('SET', 'min-replicas-to-write', '0')
    redis.disconnect()
  })

  it('promise 4: this process returns the new token, and the others answer 503 instead of reusing the old one', async () => {
    const site = await startHere({ options: { timeouts: { auth0: 2000, redis: 1000 } } })
    const twin = await startTwin(site)
    const { cookie, id } = await logInAndExpire(site)

    const { status, body } = await rotateWhileReadOnly(site, cookie)
    const again = await site.get('/token', cookie)
    const elsewhere = await twin.get('/token', cookie)

    expect([status, again.status, elsewhere.status]).toEqual([200, 200, 503])
    expect(again.body).toEqual(body)
    expect(elsewhere.body).toEqual(refusal('session_unavailable'))
    expect((await storedTokens(site, id))!.version).toBe(1)

    await readOnly(site, false)
    expect((await twin.get('/token', cookie)).body).toEqual(body)
    expect(refreshes(site)).toHaveLength(1)
    expect(site.emulator.refreshTokens.families()).toBe(1)
  })

  it('promise 4: the lock is held until the new token is stored', async () => {
    const site = await startHere({ options: { timeouts: { auth0: 2000, redis: 1000 } } })
    const { cookie, id } = await logInAndExpire(site)
    const lock = await keyOf(site, { kind: 'l', id })

    await rotateWhileReadOnly(site, cookie)
    expect(await site.redis.exists(lock)).toBe(1)
    await readOnly(site, false)

    await until(async () => (await storedTokens(site, id))!.version === 2)
    await until(async () => (await site.redis.exists(lock)) === 0)
  })

  it('promise 4: the session survives an outage longer than the lock, but within the leeway', async () => {
    const site = await startHere({ emulator: { leeway: 60 } })
    const twin = await startTwin(site)
    const { cookie, id } = await logInAndExpire(site)
    const lock = await keyOf(site, { kind: 'l', id })

    await rotateWhileReadOnly(site, cookie)
    await until(async () => (await site.redis.exists(lock)) === 0)
    await readOnly(site, false)
    const answer = await twin.get('/token', cookie)

    expect(answer.status).toBe(200)
    await until(async () => (await site.redis.exists(lock)) === 0)
    site.clock.advance(86_400)
    expect((await twin.get('/token', cookie)).status).toBe(200)
    expect((await site.get('/token', cookie)).status).toBe(200)
    expect(site.emulator.refreshTokens.isActive((await storedTokens(site, id))!.refreshToken!)).toBe(true)
  })

  it('promise 4: no process ends the session after an outage longer than the lock, without a leeway', async () => {
    const site = await startHere()
    const twin = await startTwin(site)
    const { cookie, id } = await logInAndExpire(site)
    const lock = await keyOf(site, { kind: 'l', id })
    const { body } = await rotateWhileReadOnly(site, cookie)
    await until(async () => (await site.redis.exists(lock)) === 0)

    // Right after a write attempt, so that the other process comes first.
    const tries = await refusedWrites(site)
    await until(async () => (await refusedWrites(site)) > tries)
    await readOnly(site, false)
    const answer = await twin.get('/token', cookie)

    expect([answer.status, answer.body]).toEqual([200, body])
    expect((await twin.get('/me', cookie)).status).toBe(200)
  })
})

describe('when Redis refuses only the new tokens of one process', () => {
  /** A Redis user that can lose access to sessions but not to locks. */
  async function startLimited() {
    const limited = server.url.replace('redis://', 'redis://limited:any@')
    const admin = new Redis(server.url)
    endWithTest(async () => admin.disconnect())
    const allow = (...keys: string[]) => admin.call('ACL', 'SETUSER', 'limited', 'resetkeys', ...keys)
    await admin.call('ACL', 'SETUSER', 'limited', 'reset', 'on', 'nopass', '~*', '+@all')
    const site = await startHere({ options: { timeouts: { auth0: 1000, redis: 300 }, redis: limited } })
    const twin = await startTwin(site, { options: { redis: server.url } })
    return { site, twin, allowSessions: (yes: boolean) => allow(yes ? '~*' : '~*:[^s]:*') }
  }

  it('promise 4: the lock is kept, and no other process reuses the old refresh token', async () => {
    const { site, twin, allowSessions } = await startLimited()
    const { cookie, id } = await logInAndExpire(site)
    const lock = await keyOf(site, { kind: 'l', id })
    const held = site.emulator.hold(afterRotation)
    const token = site.get('/token', cookie)
    await held.arrived
    const owner = await site.redis.get(lock)
    await allowSessions(false)
    held.release()
    const { status, body } = await token
    expect(status).toBe(200)

    // Gives up only after more than twice the lock's lifetime without renewal.
    const elsewhere = await twin.get('/token', cookie)

    expect([elsewhere.status, elsewhere.body]).toEqual([503, refusal('session_unavailable')])
    expect(await site.redis.get(lock)).toBe(owner)
    expect((await storedTokens(site, id))!.version).toBe(1)
    expect(refreshes(site)).toHaveLength(1)

    await allowSessions(true)
    await until(async () => (await site.redis.exists(lock)) === 0)
    const { version, refreshToken } = (await storedTokens(site, id))!
    expect(version).toBe(2)
    expect(site.emulator.refreshTokens.isActive(refreshToken!)).toBe(true)
    expect((await twin.get('/token', cookie)).body).toEqual(body)
    expect(refreshes(site)).toHaveLength(1)
  })
})

describe('when Redis comes back without its data', () => {
  it('promise 3: an unusable new refresh token is revoked', async () => {
    const site = await startHere()
    const { cookie } = await logInAndExpire(site)
    const held = site.emulator.hold(afterRotation)
    const token = site.get('/token', cookie)
    await held.arrived
    server.pause()
    held.release()
    expect((await token).status).toBe(200)

    await server.restart()

    await until(() => revoked(site).length === 1)
    await until(() => site.emulator.refreshTokens.families() === 0)
    await until(async () => (await site.get('/me', cookie)).status === 401)
    expect(await keysOf(site)).toEqual([])
  })
})
