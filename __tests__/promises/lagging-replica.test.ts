import { describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { testRedisUrl } from '../support/redis.ts'
import {
  endWithTest,
  keyPrefix,
  keysOf,
  logIn,
  logInAndExpire,
  refreshes,
  refusal,
  revoked,
  type Site,
  startSite,
  startTwin,
  storedTokens,
} from './support/site.ts'

/** A client that reads from a copy that is updated only on request. Scripts run on the master. */
function lagging() {
  const redis = new Redis(testRedisUrl(), { commandTimeout: 1000, maxRetriesPerRequest: 1 })
  endWithTest(async () => redis.disconnect())
  const copy = new Map<string, Record<string, Buffer>>()
  const fieldsOf = (key: string) => copy.get(key) ?? {}
  let reads = 0
  const client = Object.assign(redis, {
    hgetall: (key: string) =>
      Promise.resolve(Object.fromEntries(Object.entries(fieldsOf(key)).map(([name, value]) => [name, String(value)]))),
    hmgetBuffer: (key: string, ...fields: string[]) => {
      reads++
      return Promise.resolve(fields.map((field) => fieldsOf(key)[field] ?? null))
    },
  })
  return {
    client,
    reads: () => reads,
    async catchUp(site: Site): Promise<void> {
      copy.clear()
      for (const key of await keysOf(site)) copy.set(key, await site.redis.hgetallBuffer(key))
    },
  }
}

describe('a process that reads from a lagging replica', () => {
  async function start() {
    const replica = lagging()
    const site = await startSite()
    const late = await startTwin(site, { options: { redis: replica.client } })
    return { site, late, replica }
  }

  it('promise 4: refuses a session that is not replicated yet and deletes nothing', async () => {
    const { site, late } = await start()
    const { cookie, id } = await logIn(site)
    await late.get('/me', cookie)

    for (const path of ['/me', '/token', '/me']) {
      const { status, body } = await late.get(path, cookie)
      expect([path, status, body]).toEqual([path, 401, refusal('session_expired')])
    }

    expect((await site.get('/me', cookie)).status).toBe(200)
    expect((await site.get('/token', cookie)).status).toBe(200)
    expect((await storedTokens(site, id))!.version).toBe(1)
    expect(revoked(site)).toEqual([])
  })

  it('promise 1: answers 503 for a token refreshed elsewhere, without an Auth0 request or a loop', async () => {
    const { site, late, replica } = await start()
    const { cookie, id } = await logInAndExpire(site)
    await replica.catchUp(site)
    // The first request of a session runs a script on the master.
    await late.get('/me', cookie)
    const fresh = await site.get('/token', cookie)
    const before = replica.reads()

    const answer = await late.get('/token', cookie)

    expect([answer.status, answer.body]).toEqual([503, refusal('session_unavailable')])
    expect(replica.reads() - before).toBeLessThan(30)
    expect(refreshes(site)).toHaveLength(1)
    expect((await site.get('/token', cookie)).body).toEqual(fresh.body)
    expect((await storedTokens(site, id))!.version).toBe(2)
    await replica.catchUp(site)
    expect((await late.get('/token', cookie)).body).toEqual(fresh.body)
  })

  it('promise 4: ends nothing if Auth0 refuses a token because of a refresh it cannot see yet', async () => {
    const { site, late, replica } = await start()
    const { cookie, id } = await logInAndExpire(site)
    await replica.catchUp(site)
    const held = site.emulator.hold({ grantType: 'refresh_token' })
    const loser = late.get('/token', cookie)
    await held.arrived
    await site.redis.del(`${await keyPrefix(site)}l:${id}`)
    const winner = await site.get('/token', cookie)
    const before = replica.reads()
    site.emulator.failNext({ grantType: 'refresh_token', status: 403, body: { error: 'invalid_grant' } })

    held.release()

    expect((await loser).status).toBe(503)
    expect(replica.reads() - before).toBeLessThan(30)
    expect((await site.get('/me', cookie)).status).toBe(200)
    expect((await site.get('/token', cookie)).body).toEqual(winner.body)
    expect(revoked(site)).toEqual([])
  })
})
