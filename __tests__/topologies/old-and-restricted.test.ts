import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { Redis, type RedisOptions } from 'ioredis'
import { Redis as Redis6 } from 'ioredis6'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { itKeepsSessions } from './session-suite.ts'

const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

function clientOf({ port }: RedisServer, options: RedisOptions = {}, Client = Redis): Redis {
  const client = new Client({ port, host: '127.0.0.1', commandTimeout: 1000, maxRetriesPerRequest: 1, ...options })
  client.on('error', () => undefined)
  undo.push(() => client.disconnect())
  return client
}

/** Commands newer than Redis 6.0 that this server supports. */
async function newerCommands(): Promise<string[]> {
  const server = await startRedis()
  const client = new Redis(server.url)
  try {
    const docs = (await client.call('COMMAND', 'DOCS').catch(() => [])) as (string | string[])[]
    return docs.flatMap((name, place) => {
      const facts = docs[place + 1]
      if (typeof name !== 'string' || !Array.isArray(facts)) return []
      const [major = 0, minor = 0] = String(facts[facts.indexOf('since') + 1])
        .split('.')
        .map(Number)
      return major > 6 || (major === 6 && minor > 0) ? [name] : []
    })
  } finally {
    client.disconnect()
    await server.stop()
  }
}

describe('findings 10: sessions in a Redis without commands newer than 6.0', () => {
  let server: RedisServer
  let direct: Redis

  beforeAll(async () => {
    const args = (await newerCommands()).flatMap((name) => ['--rename-command', name, ''])
    server = await startRedis({ args })
    direct = new Redis(server.url)
  })
  afterAll(async () => {
    direct.disconnect()
    await server.stop()
  })

  itKeepsSessions({ redis: () => server.url, masters: () => [direct] })

  it.each([
    ['GETDEL', 'key'],
    ['HRANDFIELD', 'key'],
    ['EXPIRETIME', 'key'],
    ['FUNCTION', 'LIST'],
  ])('refuses %s, alone and in a script', async (name, argument) => {
    const unknown = /unknown (?:redis )?command/i
    await expect(direct.call(name, argument)).rejects.toThrow(unknown)
    await expect(direct.eval('return redis.call(unpack(ARGV))', 0, name, argument)).rejects.toThrow(unknown)
  })
})

describe('sessions of a Redis user without INFO and without access to other keys', () => {
  let server: RedisServer
  let direct: Redis

  beforeAll(async () => {
    server = await startRedis()
    direct = new Redis(server.url)
    // ioredis prints to the console that it may not use INFO.
    jest.spyOn(console, 'warn').mockImplementation(() => undefined)
    const rights = ['resetkeys', '~test:*', '+@all', '-@dangerous', '-@admin', '-info']
    await direct.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>password', ...rights)
  })
  afterAll(async () => {
    jest.restoreAllMocks()
    direct.disconnect()
    await server.stop()
  })

  const account = { username: 'app', password: 'password' }

  describe.each([
    ['ioredis options', () => ({ port: server.port, host: '127.0.0.1', ...account })],
    ['an ioredis 6 client', () => clientOf(server, account, Redis6 as unknown as typeof Redis)],
  ])('through %s', (_name, redis) => {
    itKeepsSessions({ redis, masters: () => [direct] })
  })
})

describe('sessions through a client with a keyPrefix', () => {
  let server: RedisServer
  let direct: Redis

  beforeAll(async () => {
    server = await startRedis()
    direct = new Redis(server.url)
  })
  afterAll(async () => {
    direct.disconnect()
    await server.stop()
  })

  itKeepsSessions({ redis: () => clientOf(server, { keyPrefix: 'app:' }), masters: () => [direct] })
})
