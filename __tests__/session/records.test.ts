import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { Redis as Redis6 } from 'ioredis6'
import { SessionUnavailableError } from '../../lib/errors.ts'
import { MemoryRecords } from '../../lib/store/memory-records.ts'
import type { Records } from '../../lib/store/records.ts'
import { createRedisRecords } from '../../lib/store/redis-records.ts'
import { createStoreGuard } from '../../lib/store/store-health.ts'
import { testRedisUrl, uniquePrefix } from '../support/redis.ts'

interface Backend {
  records: Records
  /** Makes a key come to its end as if its time to live were over. */
  expire(key: string): Promise<unknown>
  stop(): Promise<unknown>
}

const MINUTE = 60_000
const guard = () => createStoreGuard({ deadline: 5_000, report: () => undefined, clock: Date.now })

function inRedis(Client: typeof Redis): Backend {
  const client = new Client(testRedisUrl())
  return {
    records: createRedisRecords({ client, owned: false }, guard()),
    expire: (key) => client.pexpire(key, 0),
    stop: () => client.quit(),
  }
}

function inMemory(): Backend {
  let now = Date.now()
  const records = new MemoryRecords(() => now)
  return {
    records,
    expire: async (key) => {
      now += (await records.readWithTtl(key))?.ttl ?? MINUTE
    },
    stop: () => records.close(),
  }
}

describe.each([
  ['redis through ioredis 5', () => inRedis(Redis)],
  ['redis through ioredis 6', () => inRedis(Redis6 as unknown as typeof Redis)],
  ['memory', inMemory],
])('Records in %s', (_name, open) => {
  const prefix = uniquePrefix('records')
  let backend: Backend
  let records: Records
  let count = 0
  const newKey = () => `${prefix}${++count}`

  beforeAll(() => {
    backend = open()
    records = backend.records
  })
  afterAll(() => backend.stop())

  const ttlOf = async (key: string) => (await records.readWithTtl(key))?.ttl
  const valueOf = async (key: string) => (await records.read(key))?.value

  describe('write and read', () => {
    it('keep a value with its time to live', async () => {
      const key = newKey()
      await records.write(key, 'välue 😀', MINUTE)
      expect(await records.read(key)).toMatchObject({ value: 'välue 😀' })
      expect(await records.readWithTtl(key)).toEqual({ value: 'välue 😀', ttl: expect.any(Number) })
      expect(await ttlOf(key)).toBeGreaterThan(MINUTE - 5_000)
      expect(await ttlOf(key)).toBeLessThanOrEqual(MINUTE)
    })

    it('keep an empty value apart from none', async () => {
      const key = newKey()
      expect(await records.read(key)).toBeUndefined()
      await records.write(key, '', MINUTE)
      expect(await valueOf(key)).toBe('')
    })

    it('replace value and time to live', async () => {
      const key = newKey()
      await records.write(key, 'one', MINUTE)
      await records.write(key, 'two', 10 * MINUTE)
      expect(await valueOf(key)).toBe('two')
      expect(await ttlOf(key)).toBeGreaterThan(9 * MINUTE)
    })

    it('forget the value when its time is over', async () => {
      const key = newKey()
      await records.write(key, 'value', MINUTE)
      await backend.expire(key)
      expect(await records.read(key)).toBeUndefined()
    })
  })

  describe('replace', () => {
    it('writes while the key exists', async () => {
      const key = newKey()
      await records.write(key, 'one', MINUTE)
      expect(await records.replace(key, 'two', 10 * MINUTE)).toBe(true)
      expect(await valueOf(key)).toBe('two')
      expect(await ttlOf(key)).toBeGreaterThan(9 * MINUTE)
    })

    it.each([
      ['was never there', async () => undefined],
      ['was removed', async (key: string) => records.remove(key)],
      ['was taken', async (key: string) => records.take(key)],
      ['has expired', async (key: string) => backend.expire(key)],
    ])('writes nothing where the key %s', async (reason, end) => {
      const key = newKey()
      if (reason !== 'was never there') await records.write(key, 'one', MINUTE)
      await end(key)
      expect(await records.replace(key, 'two', MINUTE)).toBe(false)
      expect(await records.read(key)).toBeUndefined()
    })
  })

  describe('extend', () => {
    it('sets the time to live and keeps the value', async () => {
      const key = newKey()
      await records.write(key, 'value', MINUTE)
      await records.extend(key, 10 * MINUTE)
      expect(await valueOf(key)).toBe('value')
      expect(await ttlOf(key)).toBeGreaterThan(9 * MINUTE)
    })

    it('does not bring a key back', async () => {
      const key = newKey()
      await records.extend(key, MINUTE)
      expect(await records.read(key)).toBeUndefined()
    })
  })

  describe('remove', () => {
    it('deletes the key, and does not mind if there is none', async () => {
      const key = newKey()
      await records.write(key, 'value', MINUTE)
      await records.remove(key)
      await records.remove(key)
      expect(await records.read(key)).toBeUndefined()
    })
  })

  describe('take', () => {
    it('gives the value to one of many callers', async () => {
      const key = newKey()
      await records.write(key, 'value', MINUTE)
      const taken = await Promise.all(Array.from({ length: 20 }, () => records.take(key)))
      expect(taken.filter((value) => value !== undefined)).toEqual(['value'])
      expect(await records.read(key)).toBeUndefined()
    })

    it('gives nothing of a key that has expired', async () => {
      const key = newKey()
      await records.write(key, 'value', MINUTE)
      await backend.expire(key)
      expect(await records.take(key)).toBeUndefined()
    })
  })

  describe('renew', () => {
    it('prolongs what holds the value, and tells so', async () => {
      const key = newKey()
      await records.claim(key, 'mine', MINUTE)
      expect(await records.renew(key, 'mine', 10 * MINUTE)).toBe(true)
      expect(await ttlOf(key)).toBeGreaterThan(9 * MINUTE)
    })

    it('tells of what is gone or holds another value, and leaves it alone', async () => {
      const key = newKey()
      expect(await records.renew(key, 'mine', MINUTE)).toBe(false)
      await records.claim(key, 'theirs', MINUTE)
      expect(await records.renew(key, 'mine', 10 * MINUTE)).toBe(false)
      expect(await ttlOf(key)).toBeLessThanOrEqual(MINUTE)
    })
  })

  describe('claim', () => {
    it('succeeds for one of many callers', async () => {
      const key = newKey()
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, index) => records.claim(key, String(index), MINUTE)),
      )
      expect(claims.filter(Boolean)).toEqual([true])
      expect(await valueOf(key)).toBe(String(claims.indexOf(true)))
      expect(await ttlOf(key)).toBeGreaterThan(MINUTE - 5_000)
    })

    it('succeeds again when the time of the first is over', async () => {
      const key = newKey()
      await records.claim(key, 'one', MINUTE)
      await backend.expire(key)
      expect(await records.claim(key, 'two', MINUTE)).toBe(true)
    })
  })

  describe('release', () => {
    it('removes the key for the one who holds it', async () => {
      const key = newKey()
      await records.claim(key, 'mine', MINUTE)
      await records.release(key, 'mine')
      expect(await records.read(key)).toBeUndefined()
    })

    it('leaves what somebody else holds', async () => {
      const key = newKey()
      await records.claim(key, 'theirs', MINUTE)
      await records.release(key, 'mine')
      expect(await valueOf(key)).toBe('theirs')
    })
  })

  describe('swap', () => {
    it('replaces a value that begins as said, and keeps its time to live', async () => {
      const key = newKey()
      await records.write(key, '1.old', 10 * MINUTE)
      expect(await records.swap(key, '1.', '2.new')).toBe('done')
      expect(await valueOf(key)).toBe('2.new')
      expect(await ttlOf(key)).toBeGreaterThan(9 * MINUTE)
      expect(await ttlOf(key)).toBeLessThanOrEqual(10 * MINUTE)
    })

    it('does no harm when it is said twice', async () => {
      const key = newKey()
      await records.write(key, '1.old', MINUTE)
      await records.swap(key, '1.', '2.new')
      expect(await records.swap(key, '1.', '2.new')).toBe('done')
      expect(await valueOf(key)).toBe('2.new')
    })

    it('leaves a value that begins otherwise', async () => {
      const key = newKey()
      await records.write(key, '11.other', MINUTE)
      expect(await records.swap(key, '1.', '2.new')).toBe('conflict')
      expect(await valueOf(key)).toBe('11.other')
    })

    it('tells that there is none, and writes none', async () => {
      const key = newKey()
      expect(await records.swap(key, '1.', '2.new')).toBe('gone')
      await records.write(key, '1.old', MINUTE)
      await backend.expire(key)
      expect(await records.swap(key, '1.', '2.new')).toBe('gone')
      expect(await records.read(key)).toBeUndefined()
    })

    it('succeeds for one of many callers', async () => {
      const key = newKey()
      await records.write(key, '1.old', MINUTE)
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) => records.swap(key, '1.', `2.${String(index)}`)),
      )
      expect(results.filter((result) => result === 'done')).toEqual(['done'])
      expect(results.filter((result) => result === 'conflict')).toHaveLength(19)
      expect(await valueOf(key)).toBe(`2.${String(results.indexOf('done'))}`)
    })

    it('finds its way after the server has forgotten its scripts', async () => {
      const client = new Redis(testRedisUrl())
      await client.script('FLUSH')
      await client.quit()
      const key = newKey()
      await records.write(key, '1.old', MINUTE)
      expect(await records.swap(key, '1.', '2.new')).toBe('done')
    })
  })

  describe('discard', () => {
    it('removes a value that begins as said', async () => {
      const key = newKey()
      await records.write(key, '1.old', MINUTE)
      expect(await records.discard(key, '1.')).toBe('done')
      expect(await records.read(key)).toBeUndefined()
      expect(await records.discard(key, '1.')).toBe('gone')
    })

    it('leaves a value that begins otherwise', async () => {
      const key = newKey()
      await records.write(key, '11.other', MINUTE)
      expect(await records.discard(key, '1.')).toBe('conflict')
      expect(await valueOf(key)).toBe('11.other')
    })
  })

  describe('a list', () => {
    it('is empty where there is none', async () => {
      expect(await records.listed(newKey())).toEqual({})
    })

    it('holds what was enlisted by many at once', async () => {
      const key = newKey()
      const entries = Array.from({ length: 20 }, (_, index) => [`entry ${String(index)}`, `value ${String(index)}`])
      await Promise.all(entries.map(([entry = '', value = '']) => records.enlist(key, entry, { value, ttl: MINUTE })))
      expect(await records.listed(key)).toEqual(Object.fromEntries(entries))
    })

    it('holds the newest value of an entry', async () => {
      const key = newKey()
      await records.enlist(key, 'entry', { value: 'one', ttl: MINUTE })
      await records.enlist(key, 'entry', { value: 'two', ttl: MINUTE })
      expect(await records.listed(key)).toEqual({ entry: 'two' })
    })

    it('loses what is delisted, and no more', async () => {
      const key = newKey()
      for (const entry of ['a', 'b', 'c']) await records.enlist(key, entry, { value: entry, ttl: MINUTE })
      await records.delist(key, ['a', 'c', 'never there'])
      expect(await records.listed(key)).toEqual({ b: 'b' })
      await records.delist(key, [])
      expect(await records.listed(key)).toEqual({ b: 'b' })
    })

    it('is no key any more when its last entry has gone', async () => {
      const key = newKey()
      await records.enlist(key, 'a', { value: 'a', ttl: MINUTE })
      await records.delist(key, ['a'])
      await records.delist(key, ['a'])
      expect(await records.keys(key)).toEqual([])
    })

    it('ends with its time', async () => {
      const key = newKey()
      await records.enlist(key, 'a', { value: 'a', ttl: MINUTE })
      await backend.expire(key)
      expect(await records.listed(key)).toEqual({})
    })
  })

  describe('keys', () => {
    it('finds those that begin with the prefix, and takes it to the letter', async () => {
      const odd = `${newKey()}:*?[a-z]\\:`
      const inside = [`${odd}1`, `${odd}2`]
      const expired = `${odd}3`
      for (const key of [...inside, expired, odd.replace('*', 'x') + '1']) await records.write(key, 'value', MINUTE)
      await backend.expire(expired)
      for (const key of inside) await records.write(key, 'value', MINUTE)
      expect((await records.keys(odd)).sort()).toEqual(inside)
    })
  })

  describe('ping', () => {
    it('resolves while the store can be used', async () => {
      await expect(records.ping()).resolves.toBeUndefined()
    })
  })
})

describe('the time to live of a list', () => {
  const open = () => new Redis(testRedisUrl())

  it('is that of its longest entry in Redis', async () => {
    const client = open()
    const records = createRedisRecords({ client, owned: true }, guard())
    const key = uniquePrefix('records')
    await records.enlist(key, 'long', { value: '', ttl: 10 * MINUTE })
    await records.enlist(key, 'short', { value: '', ttl: MINUTE })
    expect(await client.pttl(key)).toBeGreaterThan(9 * MINUTE)
    await records.enlist(key, 'longer', { value: '', ttl: 20 * MINUTE })
    expect(await client.pttl(key)).toBeGreaterThan(19 * MINUTE)
    await records.close()
  })

  it('is that of its longest entry in memory', async () => {
    let now = 0
    const records = new MemoryRecords(() => now)
    await records.enlist('list', 'long', { value: '', ttl: 10 * MINUTE })
    await records.enlist('list', 'short', { value: '', ttl: MINUTE })
    now = 9 * MINUTE
    expect(Object.keys(await records.listed('list'))).toEqual(['long', 'short'])
    now = 10 * MINUTE
    expect(await records.listed('list')).toEqual({})
  })
})

describe('createRedisRecords', () => {
  it('closes a connection that the package opened, and may be told twice', async () => {
    const client = new Redis(testRedisUrl())
    const records = createRedisRecords({ client, owned: true }, guard())
    await records.ping()
    const ended = once(client, 'end')
    await records.close()
    await ended
    await expect(records.close()).resolves.toBeUndefined()
  })

  it("leaves the caller's connection open", async () => {
    const client = new Redis(testRedisUrl())
    await createRedisRecords({ client, owned: false }, guard()).close()
    expect(await client.ping()).toBe('PONG')
    await client.quit()
  })

  it('rejects every call with session_unavailable once Redis is gone', async () => {
    const client = new Redis(testRedisUrl())
    const records = createRedisRecords({ client, owned: true }, guard())
    await records.close()
    const calls = [
      records.read('key'),
      records.readWithTtl('key'),
      records.write('key', 'value', 1),
      records.replace('key', 'value', 1),
      records.extend('key', 1),
      records.remove('key'),
      records.take('key'),
      records.claim('key', 'value', 1),
      records.release('key', 'value'),
      records.swap('key', 'head', 'value'),
      records.discard('key', 'head'),
      records.enlist('key', 'entry', { value: 'value', ttl: 1 }),
      records.listed('key'),
      records.delist('key', ['entry']),
      records.keys('key'),
      records.ping(),
    ]
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toEqual({ status: 'rejected', reason: expect.any(SessionUnavailableError) })
    }
  })
})

describe('MemoryRecords', () => {
  it('frees the room of what has expired, although nobody asks for it', async () => {
    let now = 0
    const records = new MemoryRecords(() => now)
    await records.write('old', 'value', MINUTE)
    now = MINUTE
    for (let index = 0; index < 1_000; index++) await records.write(`new ${String(index)}`, '', MINUTE)
    now = 0
    expect(await records.read('old')).toBeUndefined()
  })

  it('is empty after close', async () => {
    const records = new MemoryRecords(() => 0)
    await records.write('key', 'value', MINUTE)
    await records.close()
    expect(await records.read('key')).toBeUndefined()
  })
})
