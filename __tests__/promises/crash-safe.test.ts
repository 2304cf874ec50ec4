import { describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { createSeal } from '../../lib/session/seal.ts'
import { ada, secret } from '../support/app.ts'
import { testRedisUrl } from '../support/redis.ts'
import {
  endWithTest,
  gate,
  keyOf,
  keysOf,
  type LoggedIn,
  logIn,
  logInAndExpire,
  logInSeveral,
  refreshes,
  refusal,
  sessionKeysOf,
  type Site,
  startSite,
  startTwin,
  storedTokens,
  until,
} from './support/site.ts'
import type { Stop } from './support/worker.ts'
import { startWorker, useWorkers, type Worker } from './support/workers.ts'

const TIMES = 20
/** So many processes at once, so that starting them does not starve them. */
const WAVE = 5

/** A lock stands for 2 * redis + 1000, unless its holder lives. */
const timeouts = { auth0: 5000, redis: 1000 }
const LOCK_TTL = 3000

/** Milliseconds: as far as the clock of the test is ahead. */
const ahead = 61_000

interface Crash {
  site: Site
  sessions: LoggedIn[]
}

/**
 * 20 sessions, each with a process of its own that refreshes it and is killed on the way: there or, without a stop, at
 * Auth0, which has rotated and has not answered yet.
 */
async function crash(stop?: Stop): Promise<Crash> {
  const site = await startSite({ options: { timeouts } })
  const sessions = await logInSeveral(site, { count: TIMES })
  for (let first = 0; first < TIMES; first += WAVE) {
    const wave = { site, sessions: sessions.slice(first, first + WAVE) }
    await crashTogether(wave, stop)
    expectToExpire(await locksOf(wave))
  }
  return { site, sessions }
}

async function crashTogether({ site, sessions }: Crash, stop: Stop | undefined): Promise<void> {
  const { domain, clientId, clientSecret } = site.emulator
  const session = { secret, prefix: site.prefix }
  const options = { domain, clientId, clientSecret, session, timeouts, redis: testRedisUrl() }
  const workers = await Promise.all(sessions.map(() => startWorker({ options, ...(stop && { stop }) })))
  const kills = stop
    ? workers.map((worker) => worker.stopped().then(() => worker.kill()))
    : await killersAtAuth0({ site, sessions }, workers)
  for (const [place, { cookie }] of sessions.entries()) void workers[place]!.ask(cookie, { ahead })
  await Promise.all(kills)
}

/** Each worker at the moment when the request of its own session is at the gate. */
async function killersAtAuth0({ site, sessions }: Crash, workers: Worker[]): Promise<Promise<void>[]> {
  const tokens = await Promise.all(sessions.map(({ id }) => storedTokens(site, id)))
  return workers.map(async () => {
    const gate = site.emulator.hold({ grantType: 'refresh_token', after: true })
    const { params } = await gate.arrived
    await workers[tokens.findIndex((token) => token!.refreshToken === params.refresh_token)]!.kill()
    gate.release()
  })
}

/** The locks of the dead, as milliseconds that they have left. */
async function locksOf({ site, sessions }: Crash): Promise<number[]> {
  const keys = await Promise.all(sessions.map(({ id }) => keyOf(site, { kind: 'l', id })))
  return Promise.all(keys.map((key) => site.redis.pttl(key)))
}

/** -2: it has expired already; -1, a lock that stands for ever, must not be. */
function expectToExpire(locks: number[]): void {
  expect(locks).not.toContain(-1)
  expect(Math.max(...locks)).toBeLessThanOrEqual(LOCK_TTL)
}

const askAll = ({ site, sessions }: Crash) => Promise.all(sessions.map(({ cookie }) => site.get('/token', cookie)))

/** Each session can refresh with what is stored, for good. */
async function expectAllWell({ site, sessions }: Crash): Promise<void> {
  const tokens = await Promise.all(sessions.map(({ id }) => storedTokens(site, id)))
  const alive = tokens.map((token) => site.emulator.refreshTokens.isActive(token!.refreshToken!))
  expect(alive).toEqual(sessions.map(() => true))
  await until(async () => (await locksOf({ site, sessions })).every((left) => left === -2))
  site.clock.advance(86_400)
  const next = await askAll({ site, sessions })
  expect(next.map(({ status }) => status)).toEqual(sessions.map(() => 200))
}

describe('a process is killed while it refreshes', () => {
  useWorkers()

  it('promise 5: 20 times before the request: its successor refreshes once the lock is gone', async () => {
    const crashed = await crash('before the request')
    expect(refreshes(crashed.site)).toHaveLength(0)

    const answers = await askAll(crashed)

    expect(answers.map(({ status }) => status)).toEqual(Array(TIMES).fill(200))
    expect(refreshes(crashed.site)).toHaveLength(TIMES)
    await expectAllWell(crashed)
  }, 60_000)

  it('promise 5: 20 times after the rotation: recovers within the leeway, else ends with nothing left', async () => {
    const { site, sessions } = await crash()
    const [lucky, unlucky] = [sessions.slice(0, TIMES / 2), sessions.slice(TIMES / 2)]
    expect(refreshes(site)).toHaveLength(TIMES)

    site.emulator.tenant.leeway = 3600
    const recovered = await askAll({ site, sessions: lucky })
    site.emulator.tenant.leeway = 0
    const ended = await askAll({ site, sessions: unlucky })

    expect(recovered.map(({ status }) => status)).toEqual(lucky.map(() => 200))
    expect(ended.map(({ status, body }) => [status, body])).toEqual(
      unlucky.map(() => [401, refusal('session_expired')]),
    )
    expect(refreshes(site)).toHaveLength(2 * TIMES)
    await expectAllWell({ site, sessions: lucky })
    const later = await Promise.all(unlucky.map(({ cookie }) => site.get('/me', cookie)))
    expect(later.map(({ status }) => status)).toEqual(unlucky.map(() => 401))
    const left = await Promise.all(unlucky.map(({ id }) => sessionKeysOf(site, id)))
    expect(left.flat()).toEqual([])
  }, 60_000)

  it('promise 5: 20 times after the write: the new token is served at once, without another refresh', async () => {
    const crashed = await crash('after the write')
    const { site, sessions } = crashed
    const stored = await Promise.all(sessions.map(({ id }) => storedTokens(site, id)))
    expect(stored.map((tokens) => tokens!.version)).toEqual(Array(TIMES).fill(2))

    const answers = await askAll(crashed)

    expect(answers.map(({ body }) => body.accessToken)).toEqual(stored.map((to) => to!.tokenSets[0]!.accessToken))
    expect(refreshes(site)).toHaveLength(TIMES)
    await expectAllWell(crashed)
  }, 60_000)
})

describe('the lock of a refresh', () => {
  it('promise 5: never stands for more than 10 s, however long the deadlines are', async () => {
    const site = await startSite({ options: { timeouts: { auth0: 60_000, redis: 5000 } } })
    const { cookie, id } = await logInAndExpire(site)
    const gate = site.emulator.hold({ grantType: 'refresh_token' })
    const token = site.get('/token', cookie)
    await gate.arrived

    const left = await site.redis.pttl(await keyOf(site, { kind: 'l', id }))
    gate.release()

    expect(left).toBeLessThanOrEqual(10_000)
    expect(left).toBeGreaterThan(5000)
    expect((await token).status).toBe(200)
  })

  it('promise 5: is kept by a holder that lives, for as long as Auth0 takes', async () => {
    const site = await startSite({ options: { timeouts: { auth0: 30_000, redis: 1000 } } })
    const { cookie, id } = await logInAndExpire(site)
    const gate = site.emulator.hold({ grantType: 'refresh_token' })
    const token = site.get('/token', cookie)
    await gate.arrived
    const lock = await keyOf(site, { kind: 'l', id })
    const owner = await site.redis.get(lock)
    await site.redis.pexpire(lock, LOCK_TTL / 2)

    await until(async () => (await site.redis.pttl(lock)) > LOCK_TTL / 2)

    expect(await site.redis.get(lock)).toBe(owner)
    gate.release()
    expect((await token).status).toBe(200)
  })

  it('promise 5: does not stand longer for a patient deadline of Auth0', async () => {
    const site = await startSite({ options: { timeouts: { auth0: 60_000, redis: 1000 } } })
    const { cookie, id } = await logInAndExpire(site)
    const gate = site.emulator.hold({ grantType: 'refresh_token' })
    const token = site.get('/token', cookie)
    await gate.arrived

    expect(await site.redis.pttl(await keyOf(site, { kind: 'l', id }))).toBeLessThanOrEqual(LOCK_TTL)

    gate.release()
    expect((await token).status).toBe(200)
  })

  it('promise 5: is gone as soon as the refresh is over, refused ones included', async () => {
    const site = await startSite()
    const { cookie, id } = await logInAndExpire(site)
    const lock = await keyOf(site, { kind: 'l', id })
    site.emulator.failNext({ grantType: 'refresh_token', status: 500 })

    await site.get('/token', cookie)
    await until(async () => (await site.redis.exists(lock)) === 0)
    await site.get('/token', cookie)
    await until(async () => (await site.redis.exists(lock)) === 0)
  })
})

describe('a process is killed while it logs somebody in or out', () => {
  it('promise 5: on the way to a new login leaves the old session whole, or nothing of it', async () => {
    const deleted = gate()
    const redis = new Redis(testRedisUrl(), { commandTimeout: 1000, maxRetriesPerRequest: 1 })
    endWithTest(async () => redis.disconnect())
    const take = redis.getdel.bind(redis)
    // Killed as soon as the tokens are gone: never learns of it.
    const getdel = async (key: string): Promise<string> => {
      await take(key)
      deleted.open()
      return new Promise(() => undefined)
    }
    const site = await startSite()
    const twin = await startTwin(site, { options: { redis: Object.assign(redis, { getdel }) } })
    const { cookie, id } = await logIn(site)
    const body = { email: ada.email, password: ada.password }
    const login = twin.send('POST', '/auth/login', { cookie, body })
    await deleted.opened

    expect((await site.get('/me', cookie)).body).toEqual(refusal('session_expired'))

    expect(await sessionKeysOf(site, id)).toEqual([])
    await login
  })

  it('promise 5: a session without tokens is over at the first call that needs one, and leaves nothing', async () => {
    const site = await startSite()
    const { cookie, id } = await logInAndExpire(site)
    await site.redis.del(await keyOf(site, { kind: 't', id }))

    const { status, body, headers } = await site.get('/token', cookie)

    expect([status, body]).toEqual([401, refusal('session_expired')])
    expect(headers.get('set-cookie')).toMatch(/^auth=;/)
    expect(refreshes(site)).toHaveLength(0)
    expect(await keysOf(site)).toEqual([])
  })

  it('promise 5: tokens that only another process can open end no session', async () => {
    const site = await startSite()
    const { cookie, id } = await logIn(site)
    const foreign = createSeal(['another secret that this process does not know'])
    const key = await keyOf(site, { kind: 't', id })
    await site.redis.set(key, `1.${foreign.close('{}', `${key}#1`)}`, 'KEEPTTL')

    expect((await site.get('/token', cookie)).status).toBe(401)

    expect((await site.get('/me', cookie)).status).toBe(200)
    expect(await sessionKeysOf(site, id)).toHaveLength(2)
  })

  it('promise 5: tokens without a session open to nobody, and a new login works', async () => {
    const site = await startSite()
    const { cookie, id } = await logInAndExpire(site)
    await site.redis.del(await keyOf(site, { kind: 's', id }))

    expect((await site.get('/token', cookie)).body).toEqual(refusal('session_expired'))
    expect((await logInAndExpire(site)).answer.status).toBe(200)
    const { sub } = site.emulator.users.get(ada.email)!
    expect(await site.auth.sessions.list(sub)).toHaveLength(1)
  })
})
