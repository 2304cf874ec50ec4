import { describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { END } from '../../lib/store/redis-scripts.ts'
import { secret } from '../support/app.ts'
import { testRedisUrl } from '../support/redis.ts'
import {
  endWithTest,
  gate,
  keyOf,
  logInAndExpire,
  refreshes,
  refusal,
  revoked,
  type Site,
  startSite,
  startTwin,
  storedTokens,
  until,
} from './support/site.ts'
import { onScript } from './support/on-script.ts'
import { startWorker, useWorkers } from './support/workers.ts'

const API = 'https://api.example.com'
const BILLING = 'https://billing.example.com'
const MAIL = 'https://mail.example.com'

/** One refresh token works for all APIs. */
const multiResource = {
  apis: [API, BILLING, MAIL].map((audience) => ({ audience, scopes: ['read:all'] })),
  refreshPolicies: [API, BILLING, MAIL].map((audience) => ({ audience, scope: ['read:all'] })),
}

type Gate = ReturnType<typeof gate>

const held = { grantType: 'refresh_token' }

function startWorkers(site: Site, count: number) {
  const { domain, clientId, clientSecret } = site.emulator
  const session = { secret, prefix: site.prefix }
  const options = { domain, clientId, clientSecret, session, redis: testRedisUrl() }
  return Promise.all(Array.from({ length: count }, () => startWorker({ options })))
}

describe('req.auth.getAccessToken across processes', () => {
  useWorkers()

  it('promise 1: refreshes once for 4 x 250 calls on one expired session, and never for late callers', async () => {
    const site = await startSite()
    const { cookie, id } = await logInAndExpire(site)
    const workers = await startWorkers(site, 4)
    const gate = site.emulator.hold(held)
    const waiting = workers.map((worker) => worker.waiting())

    const answers = workers.map((worker) => worker.ask(cookie, { times: 250, ahead: 61_000 }))
    await Promise.all([...waiting, gate.arrived])
    gate.release()
    const all = (await Promise.all(answers)).flat()

    const { tokenSets, refreshToken } = (await storedTokens(site, id))!
    expect(all).toHaveLength(1000)
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(all.map(({ body }) => body.accessToken))).toEqual(new Set([tokenSets[0]!.accessToken]))
    expect(refreshes(site)).toHaveLength(1)

    for (const late of [1, 100, 5000]) {
      const again = await Promise.all(workers.map((worker) => worker.ask(cookie, { ahead: 61_000 + late })))
      expect(again.flat().map(({ body }) => body.accessToken)).toEqual(Array(4).fill(tokenSets[0]!.accessToken))
    }
    expect(refreshes(site)).toHaveLength(1)
    expect(site.emulator.refreshTokens.isActive(refreshToken!)).toBe(true)
    expect((await site.get('/me', cookie)).status).toBe(200)
  })
})

describe('req.auth.getAccessToken', () => {
  it('promise 1: refreshes once for 200 calls in one process', async () => {
    const site = await startSite()
    const { cookie } = await logInAndExpire(site)

    const answers = await Promise.all(Array.from({ length: 200 }, () => site.get('/token', cookie)))

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map(({ body }) => body.accessToken)).size).toBe(1)
    expect(refreshes(site)).toHaveLength(1)
  })

  it("promise 1: returns Auth0's new token in the documented shape", async () => {
    const site = await startSite({ options: { audience: API, scope: 'openid read:posts' } })
    const { cookie, id } = await logInAndExpire(site)

    const { body } = await site.get('/token', cookie)

    const seconds = Math.floor(site.clock.now() / 1000)
    expect(body).toEqual({
      accessToken: (await storedTokens(site, id))!.tokenSets[0]!.accessToken,
      tokenType: 'Bearer',
      expiresAt: expect.any(Number),
      scope: 'openid read:posts offline_access',
      audience: API,
    })
    expect(Math.abs(body.expiresAt - seconds - 86_400)).toBeLessThanOrEqual(5)
  })

  it('promise 1: returns a token with 30 s left and refreshes one with 29 s left', async () => {
    let now = Math.floor(Date.now() / 1000) * 1000
    const clock = { now: () => now, advance: (seconds: number) => void (now += seconds * 1000) }
    const site = await startSite({ clock })
    const { cookie } = await logInAndExpire(site)

    clock.advance(-31)
    await site.get('/token', cookie)
    expect(refreshes(site)).toHaveLength(0)

    clock.advance(1)
    await site.get('/token', cookie)
    expect(refreshes(site)).toHaveLength(1)
  })

  it('promise 1: refreshes two sessions of one user independently', async () => {
    const site = await startSite()
    const [first, second] = [await logInAndExpire(site), await logInAndExpire(site)]

    const [one, two] = await Promise.all([site.get('/token', first.cookie), site.get('/token', second.cookie)])

    expect([one.status, two.status]).toEqual([200, 200])
    expect(one.body.accessToken).not.toBe(two.body.accessToken)
    expect(new Set(refreshes(site).map(({ params }) => params.refresh_token)).size).toBe(2)
    expect(refreshes(site)).toHaveLength(2)
    expect(site.emulator.refreshTokens.families()).toBe(2)
  })

  it('promise 1: sends one request per audience for three concurrent audiences', async () => {
    const site = await startSite({ emulator: multiResource, options: { audience: API } })
    const { cookie, id } = await logInAndExpire(site)
    const paths = [API, BILLING, MAIL].map((audience) => `/token?audience=${encodeURIComponent(audience)}`)

    const answers = await Promise.all([...paths, ...paths, ...paths].map((path) => site.get(path, cookie)))

    expect(answers.map(({ status }) => status)).toEqual(Array(9).fill(200))
    const audiences = answers.map(({ body }) => String(body.audience))
    expect(audiences).toEqual([API, BILLING, MAIL, API, BILLING, MAIL, API, BILLING, MAIL])
    expect(refreshes(site)).toHaveLength(3)
    const { refreshToken } = (await storedTokens(site, id))!
    expect(site.emulator.refreshTokens.isActive(refreshToken!)).toBe(true)
  })

  it('promise 1: sends one request per audience for three concurrent audiences in three processes', async () => {
    const site = await startSite({ emulator: multiResource, options: { audience: API } })
    const twins = [site, await startTwin(site), await startTwin(site)]
    const { cookie, id } = await logInAndExpire(site)
    const gate = site.emulator.hold(held)

    const answers = [API, BILLING, MAIL].map((audience, place) =>
      twins[place]!.get(`/token?audience=${encodeURIComponent(audience)}`, cookie),
    )
    await gate.arrived
    gate.release()

    const told = await Promise.all(answers)
    expect(told.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(told.map(({ body }) => String(body.audience))).toEqual([API, BILLING, MAIL])
    expect(refreshes(site)).toHaveLength(3)
    expect(site.emulator.refreshTokens.isActive((await storedTokens(site, id))!.refreshToken!)).toBe(true)
  })

  it.each([
    ['this process', false],
    ['another process', true],
  ])('promise 1: refreshes an expiring token although %s has just refreshed for another API', async (_, far) => {
    let waiting = 0
    const site = await startSite({ emulator: multiResource, options: { audience: API } })
    const [here, other] = [await startTwin(site, { asked: () => waiting++ }), far ? await startTwin(site) : undefined]
    const { cookie } = await logInAndExpire(site)
    site.clock.advance(-21)
    const gate = site.emulator.hold(held)
    const billing = (other ?? here).get(`/token?audience=${encodeURIComponent(BILLING)}`, cookie)
    await gate.arrived
    waiting = 0
    const asked = here.get('/token', cookie)
    await until(() => waiting === 1)
    // Sent on the same connection, so its response means that the record has been read.
    await here.get('/me', cookie)
    gate.release()

    expect((await billing).status).toBe(200)
    const { body } = await asked
    expect(body.audience).toBe(API)
    expect(body.expiresAt - site.clock.now() / 1000).toBeGreaterThan(30)
    expect(refreshes(site).map(({ params }) => params.audience)).toEqual([BILLING, undefined])
  })

  it('promise 1: requests a token for another audience once and keeps the first', async () => {
    const site = await startSite({ emulator: multiResource, options: { audience: API } })
    const { cookie } = await logInAndExpire(site)
    const billing = `/token?audience=${encodeURIComponent(BILLING)}`

    const tokens = [await site.get('/token', cookie), await site.get(billing, cookie)]
    const again = [await site.get('/token', cookie), await site.get(billing, cookie)]

    expect(again.map(({ body }) => body)).toEqual(tokens.map(({ body }) => body))
    expect(refreshes(site).map(({ params }) => params.audience)).toEqual([undefined, BILLING])
  })

  it('promise 1: rejects for an audience without a policy and keeps the session with the rotated token', async () => {
    const site = await startSite({ emulator: multiResource, options: { audience: API } })
    const { cookie, id } = await logInAndExpire(site)

    const answer = await site.get('/token?audience=https://unknown.example.com', cookie)

    expect([answer.status, answer.body]).toEqual([500, refusal('configuration_error')])
    expect(site.emulator.refreshTokens.isActive((await storedTokens(site, id))!.refreshToken!)).toBe(true)
    expect((await site.get('/token', cookie)).status).toBe(200)
  })
})

describe('the loser of a race', () => {
  it("promise 1: uses the winner's tokens if Auth0 refuses the spent one", async () => {
    const site = await startSite()
    const twin = await startTwin(site)
    const { cookie, id } = await logInAndExpire(site)
    const gate = site.emulator.hold(held)
    const loser = site.get('/token', cookie)
    await gate.arrived
    await site.redis.del(await keyOf(site, { kind: 'l', id }))
    const winner = await twin.get('/token', cookie)

    gate.release()

    expect(winner.status).toBe(200)
    expect(await loser).toMatchObject({ status: 200, body: winner.body })
    expect((await site.get('/me', cookie)).status).toBe(200)
    expect(refreshes(site)).toHaveLength(2)
    // Without a leeway, Auth0 itself revokes the family of a token that is spent twice. The package does nothing.
    await site.auth.close()
    expect(revoked(site)).toEqual([])
  })

  it('promise 1: can still refresh after a refusal meant for another process', async () => {
    const site = await startSite()
    const twin = await startTwin(site)
    const { cookie, id } = await logInAndExpire(site)
    const gate = site.emulator.hold(held)
    const loser = site.get('/token', cookie)
    await gate.arrived
    await site.redis.del(await keyOf(site, { kind: 'l', id }))
    const winner = await twin.get('/token', cookie)
    site.emulator.failNext({ ...held, status: 403, body: { error: 'invalid_grant' } })

    gate.release()

    expect(await loser).toMatchObject({ status: 200, body: winner.body })
    site.clock.advance(86_400)
    expect((await twin.get('/token', cookie)).status).toBe(200)
    expect(site.emulator.refreshTokens.families()).toBe(1)
  })

  it("promise 1: uses the winner's record if both got tokens within the leeway", async () => {
    const site = await startSite({ emulator: { leeway: 60 } })
    const twin = await startTwin(site)
    const { cookie, id } = await logInAndExpire(site)
    const gate = site.emulator.hold(held)
    const loser = site.get('/token', cookie)
    await gate.arrived
    await site.redis.del(await keyOf(site, { kind: 'l', id }))
    const winner = await twin.get('/token', cookie)

    gate.release()

    expect(await loser).toMatchObject({ status: 200, body: winner.body })
    const { version, refreshToken } = (await storedTokens(site, id))!
    expect(version).toBe(2)
    expect((await site.get('/token', cookie)).body).toEqual(winner.body)
    // The loser's tokens are of the same family, which a revocation would end.
    await site.auth.close()
    expect(revoked(site)).toEqual([])
    expect(site.emulator.refreshTokens.isActive(refreshToken!)).toBe(true)
  })

  it("promise 1: does not use the winner's token for another API", async () => {
    const site = await startSite({ emulator: { ...multiResource, leeway: 60 }, options: { audience: API } })
    const twin = await startTwin(site)
    const { cookie, id } = await logInAndExpire(site)
    const gate = site.emulator.hold(held)
    const loser = site.get(`/token?audience=${encodeURIComponent(BILLING)}`, cookie)
    await gate.arrived
    await site.redis.del(await keyOf(site, { kind: 'l', id }))
    expect((await twin.get('/token', cookie)).status).toBe(200)

    gate.release()

    expect(await loser).toMatchObject({ status: 200, body: { audience: BILLING } })
  })

  it('promise 4: ends nothing if it is refused while the winner writes', async () => {
    const deleting = gate()
    const deletion = gate()
    const redis = new Redis(testRedisUrl(), { commandTimeout: 5000, maxRetriesPerRequest: 1 })
    endWithTest(async () => redis.disconnect())
    const site = await startSite()
    const twin = await startTwin(site, {
      options: { redis: holdingDeletions(redis, { deleting, deletion }), timeouts: { redis: 5000 } },
    })
    const { cookie, id } = await logInAndExpire(site)
    const refresh = site.emulator.hold({ ...held, after: true })
    const winner = site.get('/token', cookie)
    await refresh.arrived
    await site.redis.del(await keyOf(site, { kind: 'l', id }))
    const loser = twin.get('/token', cookie)
    await deleting.opened
    refresh.release()
    const { status, body } = await winner

    deletion.open()

    expect([status, (await loser).body]).toEqual([200, body])
    expect((await site.get('/me', cookie)).status).toBe(200)
    expect((await storedTokens(site, id))!.version).toBe(2)
  })

  /** Pauses before a session is deleted because its refresh was refused. */
  function holdingDeletions(redis: Redis, { deleting, deletion }: Record<'deleting' | 'deletion', Gate>): Redis {
    return onScript(redis, END, async ({ args, run }) => {
      // Only deletions of a specific token version.
      if (args[0] !== 't') return run()
      deleting.open()
      await deletion.opened
      return run()
    })
  }

  it("promise 1: releases only its own lock, never the next holder's", async () => {
    const site = await startSite()
    const twin = await startTwin(site)
    const { cookie, id } = await logInAndExpire(site)
    const lock = await keyOf(site, { kind: 'l', id })
    const [first, second] = [site.emulator.hold(held), site.emulator.hold(held)]
    const slow = site.get('/token', cookie)
    await first.arrived
    await site.redis.del(lock)
    const next = twin.get('/token', cookie)
    await second.arrived
    const owner = await site.redis.get(lock)
    site.emulator.failNext({ ...held, status: 503 })

    first.release()

    expect((await slow).status).toBe(503)
    expect(await site.redis.get(lock)).toBe(owner)
    second.release()
    expect((await next).status).toBe(200)
  })
})
