import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { Redis, type RedisOptions } from 'ioredis'
import { until } from '../http/wire.ts'
import { startApp } from '../support/app.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

let server: RedisServer
let direct: Redis

beforeAll(async () => {
  server = await startRedis()
  direct = new Redis(server.url)
  // ioredis prints to the console that it may not use INFO.
  jest.spyOn(console, 'warn').mockImplementation(() => undefined)
})
afterAll(async () => {
  jest.restoreAllMocks()
  direct.disconnect()
  await server.stop()
})

/** Eviction warnings after a login, once Redis has answered or refused the query. */
async function warningsWith(policy: string, account: RedisOptions = {}): Promise<string[]> {
  await direct.config('SET', 'maxmemory-policy', policy)
  const client = new Redis(server.url, { commandTimeout: 1_000, ...account })
  const info = jest.spyOn(client, 'info')
  const app = await startApp({ options: { redis: client, session: { prefix: 'test:' } } })
  await app.login().expect(200)
  await until(() => info.mock.calls.flat().includes('memory'))
  await Promise.allSettled(info.mock.results.map(({ value }) => value as Promise<string>))
  client.disconnect()
  return app.logged.filter((line) => line.includes('maxmemory-policy'))
}

describe('a Redis server', () => {
  it.each(['allkeys-lru', 'volatile-ttl'])('with policy %s causes one warning', async (policy) => {
    expect(await warningsWith(policy)).toEqual([
      expect.stringMatching(/^{"level":"warn".*set maxmemory-policy to noeviction.*"option":"redis"/),
    ])
  })

  it('that evicts nothing causes no warning', async () => {
    expect(await warningsWith('noeviction')).toEqual([])
  })

  it('that forbids the check causes no warning', async () => {
    await direct.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>password', '~*', '+@all', '-info', '-config')
    expect(await warningsWith('allkeys-lru', { username: 'app', password: 'password' })).toEqual([])
  })

  it('is checked once the client connects', async () => {
    await direct.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const client = new Redis(server.url, { lazyConnect: true, commandTimeout: 1_000 })
    const { logged } = await startApp({ options: { redis: client } })
    expect(client.status).toBe('wait')
    await client.connect()
    await until(() => logged.some((line) => line.includes('maxmemory-policy')))
    client.disconnect()
  })
})
