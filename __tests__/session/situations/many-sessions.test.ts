import { afterEach, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import request from 'supertest'
import { signIn } from '../../../lib/testing/index.ts'
import { startApp, type TestApp, type TestAppOptions } from '../../support/app.ts'
import { testRedisUrl } from '../../support/redis.ts'
import { openRedis, sessionIdOf, until } from '../../http/wire.ts'
import { keyOf, listKeyOf, me } from './shop.ts'

const MOST = 100
const sub = 'auth0|of-many-sessions'
const clients: Redis[] = []

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect()
})

/** A client that tracks the maximum number of pending commands. */
function watched() {
  const client = new Redis(testRedisUrl(), { commandTimeout: 10_000 })
  clients.push(client)
  const send = client.sendCommand.bind(client)
  const seen = { now: 0, most: 0 }
  client.sendCommand = (command, stream) => {
    seen.most = Math.max(seen.most, ++seen.now)
    const done = () => {
      seen.now--
    }
    command.promise.then(done, done)
    return send(command, stream)
  }
  return { client, seen }
}

const logInAs = ({ app, auth }: TestApp, user: string, session = {}) => signIn(app, auth, { sub: user }, session)

async function logInTimes(site: TestApp, times: number): Promise<string[]> {
  const cookies: string[] = []
  for (let time = 0; time < times; time++) cookies.push(await logInAs(site, sub))
  return cookies
}

/** Stale entries on the user's list, older than all live ones. */
async function plant(site: TestApp, count: number): Promise<void> {
  const redis = openRedis()
  const key = await listKeyOf(site)
  const entries = Array.from({ length: count }, (_, index) => [
    `planted-${String(index)}`,
    `${String(index)}:no-such-${String(index)}`,
  ])
  for (let at = 0; at < count; at += 1000) await redis.hset(key, ...entries.slice(at, at + 1000).flat())
}

describe.each(['redis', 'memory'] as const)('more logins of one user than maxPerUser, in %s', (store) => {
  const start = (settings: TestAppOptions = {}) => startApp({ store, ...settings })

  it('end one oldest session each, even if it is in use', async () => {
    const site = await start()
    const cookies = await logInTimes(site, MOST)
    const stranger = await logInAs(site, 'auth0|another')
    const statuses = async () =>
      (await Promise.all([...cookies, stranger].map((cookie) => me(site, cookie)))).map(({ status }) => status)
    expect(new Set(await statuses())).toEqual(new Set([200]))
    cookies.push(...(await logInTimes(site, 3)))
    expect(await statuses()).toEqual([
      ...Array.from({ length: 3 }, () => 401),
      ...Array.from({ length: MOST + 1 }, () => 200),
    ])
    const listed = await site.auth.sessions.list(sub)
    expect(listed).toHaveLength(MOST)
    expect(listed.map(({ createdAt }) => Number(createdAt))).toEqual(
      listed.map(({ createdAt }) => Number(createdAt)).sort((a, b) => b - a),
    )
  })

  it('end them for concurrent logins too', async () => {
    const site = await start()
    const first = await logInAs(site, sub)
    await Promise.all(Array.from({ length: MOST + 20 }, () => logInAs(site, sub)))
    await me(site, first).expect(401)
    expect(await site.auth.sessions.list(sub)).toHaveLength(MOST)
  })

  it('revoke the refresh tokens of the ended sessions', async () => {
    const site = await start()
    await logInAs(site, sub, { refreshToken: 'of the oldest' })
    await logInTimes(site, MOST)
    await until(() => site.emulator.requestsTo('/oauth/revoke').length > 0)
    expect(site.emulator.requestsTo('/oauth/revoke').map(({ params }) => params.token)).toEqual(['of the oldest'])
  })
})

describe('findings 8: a user with thousands of list entries', () => {
  /** Maximum concurrent sessions, with room for other commands. */
  const BOUND = 45

  async function start(count: number) {
    const { client, seen } = watched()
    const site = await startApp({ options: { redis: client } })
    const cookie = await logInAs(site, sub)
    const stranger = await logInAs(site, 'auth0|another')
    // The other user's list is not part of this test.
    await openRedis().del(...(await otherLists(site)))
    await plant(site, count)
    seen.most = 0
    return { site, cookie, stranger, seen }
  }

  async function otherLists(site: TestApp): Promise<string[]> {
    const redis = openRedis()
    const keys = await redis.keys(`${site.prefix}*:u:*`)
    const own = await site.auth.sessions.list(sub)
    const found = await Promise.all(keys.map(async (key) => ((await redis.hexists(key, own[0]!.id)) ? [] : [key])))
    return found.flat()
  }

  it('is listed in batches while other requests are answered, and the list is cleaned up', async () => {
    const { site, cookie, stranger, seen } = await start(20_000)
    const listing = { isOver: false }
    const listed = request(site.app)
      .get('/auth/sessions')
      .set('Cookie', cookie)
      .then((answer) => {
        listing.isOver = true
        return answer
      })
    let answered = 0
    while (!listing.isOver) {
      await me(site, stranger).expect(200)
      answered++
    }
    expect((await listed).body.sessions).toHaveLength(1)
    expect(answered).toBeGreaterThan(5)
    expect(seen.most).toBeLessThanOrEqual(BOUND)
    expect(await openRedis().hlen(await listKeyOf(site))).toBe(1)
  })

  it('is revoked in batches', async () => {
    const { site, cookie, stranger, seen } = await start(4_000)
    expect(await site.auth.sessions.revokeAll(sub)).toBe(1)
    expect(seen.most).toBeLessThanOrEqual(BOUND)
    await me(site, cookie).expect(401)
    await me(site, stranger).expect(200)
  })

  it('can log in, which drops what leads nowhere a few at a time, and ends no session', async () => {
    const { site, cookie, seen } = await start(4_000)
    const fresh = await logInAs(site, sub)
    expect(seen.most).toBeLessThanOrEqual(BOUND)
    for (const live of [cookie, fresh]) await me(site, live).expect(200)
    expect(await openRedis().hlen(await listKeyOf(site))).toBe(2)
  })
})

describe('a session that ended after its idle timeout', () => {
  async function start() {
    const site = await startApp()
    const dead = await logInAs(site, sub)
    await openRedis().del(await keyOf(site, sessionIdOf(dead)))
    return site
  }
  const handles = async (site: TestApp) => openRedis().hkeys(await listKeyOf(site))
  const told = ({ events }: TestApp) => events.filter(({ name }) => name === 'session.revoked').length

  it('is neither counted nor reported by revokeAll', async () => {
    const site = await start()
    await logInAs(site, sub)
    expect(await site.auth.sessions.revokeAll(sub)).toBe(1)
    expect(told(site)).toBe(1)
    expect(await handles(site)).toEqual(['!'])
  })

  it('cannot be revoked and is removed from the list', async () => {
    const site = await start()
    const [handle = ''] = await handles(site)
    expect(await site.auth.sessions.revoke(sub, handle)).toBe(false)
    expect(told(site)).toBe(0)
    expect(await site.auth.sessions.list(sub)).toEqual([])
    expect(await openRedis().keys(`${site.prefix}*`)).toEqual([])
  })

  it('is not listed and is removed from the list when looked up', async () => {
    const site = await start()
    await logInAs(site, sub)
    expect(await site.auth.sessions.list(sub)).toHaveLength(1)
    expect(await handles(site)).toHaveLength(1)
  })
})
