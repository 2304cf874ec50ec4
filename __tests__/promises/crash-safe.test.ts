import { describe, expect, it } from '@jest/globals'
import { createSeal } from '../../lib/session/seal.ts'
import { ada, secret } from '../support/app.ts'
import { testRedisUrl } from '../support/redis.ts'
import {
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
  storedTokens,
  until,
} from './support/site.ts'
import type { Stop } from './support/worker.ts'
import { startWorker, useWorkers, type Worker } from './support/workers.ts'

const TIMES = 10
/** Concurrent processes. More would starve each other at startup. */
const WAVE = 5

/** A lock expires 2 * redis + 1000 ms after its holder dies. */
const timeouts = { auth0: 5000, redis: 1000 }
const LOCK_TTL = 3000

/** Milliseconds that the test clock is ahead. */
const ahead = 61_000

interface Crash {
  site: Site
  sessions: LoggedIn[]
}

/**
 * Sessions, each with a process that refreshes it and is killed midway: at the given stop or, without one, while
 * Auth0 has rotated the token but not responded yet.
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

function startWorkerOf({ emulator, prefix }: Site, stop?: Stop): Promise<Worker> {
  const { domain, clientId, clientSecret } = emulator
  const session = { secret, prefix }
  const options = { domain, clientId, clientSecret, session, timeouts, redis: testRedisUrl() }
  return startWorker({ options, ...(stop && { stop }) })
}

async function crashTogether({ site, sessions }: Crash, stop: Stop | undefined): Promise<void> {
  const workers = await Promise.all(sessions.map(() => startWorkerOf(site, stop)))
  const kills = stop
    ? workers.map((worker) => worker.stopped().then(() => worker.kill()))
    : await killersAtAuth0({ site, sessions }, workers)
  for (const [place, { cookie }] of sessions.entries()) void workers[place]!.ask(cookie, { ahead })
  await Promise.all(kills)
}

/** Resolves to the workers once each one's own request is at the gate. */
async function killersAtAuth0({ site, sessions }: Crash, workers: Worker[]): Promise<Promise<void>[]> {
  const tokens = await Promise.all(sessions.map(({ id }) => storedTokens(site, id)))
  return workers.map(async () => {
    const gate = site.emulator.hold({ grantType: 'refresh_token', after: true })
    const { params } = await gate.arrived
    await workers[tokens.findIndex((token) => token!.refreshToken === params.refresh_token)]!.kill()
    gate.release()
  })
}

/** Remaining milliseconds of the dead processes' locks. */
async function locksOf({ site, sessions }: Crash): Promise<number[]> {
  const keys = await Promise.all(sessions.map(({ id }) => keyOf(site, { kind: 'l', id })))
  return Promise.all(keys.map((key) => site.redis.pttl(key)))
}

/** -2: already expired. -1, a lock without expiry, must not happen. */
function expectToExpire(locks: number[]): void {
  expect(locks).not.toContain(-1)
  expect(Math.max(...locks)).toBeLessThanOrEqual(LOCK_TTL)
}

const askAll = ({ site, sessions }: Crash) => Promise.all(sessions.map(({ cookie }) => site.get('/token', cookie)))

/** Each session can refresh with its stored tokens. */
async function expectAllWell({ site, sessions }: Crash): Promise<void> {
  const tokens = await Promise.all(sessions.map(({ id }) => storedTokens(site, id)))
  const alive = tokens.map((token) => site.emulator.refreshTokens.isActive(token!.refreshToken!))
  expect(alive).toEqual(sessions.map(() => true))
  await until(async () => (await locksOf({ site, sessions })).every((left) => left === -2))
  site.clock.advance(86_400)
  const next = await askAll({ site, sessions })
  expect(next.map(({ status }) => status)).toEqual(sessions.map(() => 200))
}

describe('a process killed during a refresh', () => {
  useWorkers()

  it('promise 5: 10 times before the request: another process refreshes once the lock has expired', async () => {
    const crashed = await crash('before the request')
    expect(refreshes(crashed.site)).toHaveLength(0)

    const answers = await askAll(crashed)

    expect(answers.map(({ status }) => status)).toEqual(Array(TIMES).fill(200))
    expect(refreshes(crashed.site)).toHaveLength(TIMES)
    await expectAllWell(crashed)
  }, 60_000)

  it('promise 5: 10 times after the rotation: recovers within the leeway, otherwise ends the session completely', async () => {
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

  it('promise 5: 10 times after the write: the new token is returned immediately without another refresh', async () => {
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

describe('the refresh lock', () => {
  it('promise 5: never outlives a dead holder by more than 10 s, even with long timeouts', async () => {
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

  it('promise 5: is held by a live process for as long as Auth0 takes', async () => {
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

  it('promise 5: does not last longer with a longer Auth0 timeout', async () => {
    const site = await startSite({ options: { timeouts: { auth0: 60_000, redis: 1000 } } })
    const { cookie, id } = await logInAndExpire(site)
    const gate = site.emulator.hold({ grantType: 'refresh_token' })
    const token = site.get('/token', cookie)
    await gate.arrived

    expect(await site.redis.pttl(await keyOf(site, { kind: 'l', id }))).toBeLessThanOrEqual(LOCK_TTL)

    gate.release()
    expect((await token).status).toBe(200)
  })

  it('promise 5: is released as soon as the refresh ends, even if it fails', async () => {
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

describe('a process killed during a login', () => {
  useWorkers()

  it.each<[string, Stop]>([
    ['after the session, before it is listed', 'before the list'],
    ['after the list, before the session', 'before the session'],
  ])('promise 5: %s leaves no half session and keeps the old session intact', async (_name, stop) => {
    const site = await startSite({ options: { timeouts } })
    const worker = await startWorkerOf(site, stop)
    const old = await logIn(site)
    const body = JSON.stringify({ email: ada.email, password: ada.password, remember_me: true })
    const headers = { cookie: old.cookie, 'content-type': 'application/json' }
    const answer = fetch(`${worker.url}/auth/login`, { method: 'POST', headers, body }).catch(() => 'killed')
    await worker.stopped()

    await worker.kill()

    expect(await answer).toBe('killed')
    expect((await site.get('/me', old.cookie)).status).toBe(200)
    expect((await site.get('/token', old.cookie)).status).toBe(200)
    const sessions = (await keysOf(site)).filter((key) => key.includes(':s:'))
    expect(sessions).toHaveLength(stop === 'before the list' ? 2 : 1)
    for (const key of sessions) {
      expect((await site.redis.hkeys(key)).sort()).toEqual(['d', 'e', 'i', 'l', 's', 't'])
      expect(await site.redis.pttl(key)).toBeGreaterThan(0)
    }
    const { sub } = site.emulator.users.get(ada.email)!
    expect(await site.auth.sessions.list(sub)).toHaveLength(1)
    const again = await site.send('POST', '/auth/login', { cookie: old.cookie, body: JSON.parse(body) as object })
    expect(again.status).toBe(200)
    expect(await site.auth.sessions.list(sub)).toHaveLength(1)
    expect(await sessionKeysOf(site, old.id)).toEqual([])
  })
})

describe('a session whose tokens only another process can decrypt', () => {
  it('promise 5: stays alive, although this process has no token for it', async () => {
    const site = await startSite()
    const { cookie, id } = await logIn(site)
    const foreign = createSeal(['another secret that this process does not know'])
    const key = await keyOf(site, { kind: 's', id })
    await site.redis.hset(key, 't', Buffer.concat([Buffer.from('1.-'), foreign.close('{}', `${key}#1`)]))

    expect((await site.get('/token', cookie)).status).toBe(401)

    expect((await site.get('/me', cookie)).status).toBe(200)
    expect(await sessionKeysOf(site, id)).toHaveLength(1)
  })
})

describe('a session evicted by the store', () => {
  it('promise 5: ends for all processes, and a new login works', async () => {
    const site = await startSite()
    const { cookie, id } = await logInAndExpire(site)
    await site.redis.del(await keyOf(site, { kind: 's', id }))

    expect((await site.get('/token', cookie)).body).toEqual(refusal('session_expired'))
    expect((await logInAndExpire(site)).answer.status).toBe(200)
    const { sub } = site.emulator.users.get(ada.email)!
    expect(await site.auth.sessions.list(sub)).toHaveLength(1)
  })
})
