import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { Redis, type RedisOptions } from 'ioredis'
import { Redis as Redis6 } from 'ioredis6'
import { SessionUnavailableError } from '../../lib/errors.ts'
import { MemoryRecords } from '../../lib/store/memory-records.ts'
import type { Records, Refused } from '../../lib/store/records.ts'
import { createRedisRecords } from '../../lib/store/redis-records.ts'
import { createStoreGuard } from '../../lib/store/store-health.ts'
import { testRedisUrl, uniquePrefix } from '../support/redis.ts'

interface Backend {
  records: TextRecords
  /** Moves time forward for a key, in milliseconds. */
  pass: (key: string, ms: number) => Promise<unknown>
  stop: () => Promise<unknown>
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** On a day that no other test uses, so that an ignored clock shows. */
const SOME_DAY = Date.UTC(2031, 4, 1)

const guarded = createStoreGuard({
  deadline: 5_000,
  report: () => undefined,
  describe: () => 'the test server',
  isClosed: () => false,
})
const prefix = uniquePrefix('records')
let count = 0

type Texts = readonly (string | undefined)[]
type Textual<Read> = Omit<NonNullable<Read>, 'values'> & { values: Texts }

/** Records with text values, which are easier to compare. */
type TextRecords = Omit<Records, 'read' | 'visit' | 'end'> & {
  read(key: string, names: readonly string[]): Promise<Textual<Awaited<ReturnType<Records['read']>>> | undefined>
  visit(key: string, names: readonly string[]): Promise<Textual<Awaited<ReturnType<Records['visit']>>> | undefined>
  end(...args: Parameters<Records['end']>): Promise<Texts | Refused>
}

function textual(records: Records): TextRecords {
  const textOf = (values: readonly (Buffer | undefined)[]) => values.map((value) => value?.toString())
  const reading = (name: 'read' | 'visit') => async (key: string, names: readonly string[]) => {
    const found = await records[name](key, names)
    return found && { ...found, values: textOf(found.values) }
  }
  const reads: Record<string, unknown> = {
    read: reading('read'),
    visit: reading('visit'),
    end: async (...args: Parameters<Records['end']>) => {
      const values = await records.end(...args)
      return Array.isArray(values) ? textOf(values as (Buffer | undefined)[]) : values
    },
  }
  return new Proxy(records, {
    get: (target, name) => {
      const member: unknown = reads[String(name)] ?? Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  }) as unknown as TextRecords
}

function recordsOn(client: Redis, owned = false): TextRecords {
  return textual(createRedisRecords({ client, owned, guarded, prefix, testClock: undefined }))
}

/** Redis has its own clock, so this moves stored times back instead. */
function inRedis(Client: typeof Redis, options: RedisOptions = {}): Backend {
  const client = new Client(testRedisUrl(), options)
  return {
    records: recordsOn(client),
    pass: async (key, ms) => {
      if ((await client.type(key)) === 'hash') {
        for (const field of ['s', 'e'])
          if (String(await client.hexists(key, field)) === '1') await client.hincrby(key, field, -ms)
      }
      await client.pexpire(key, (await client.pttl(key)) - ms)
    },
    stop: () => client.quit(),
  }
}

function inRedisOnTestClock(): Backend {
  let now = SOME_DAY
  const client = new Redis(testRedisUrl())
  const records = textual(createRedisRecords({ client, owned: false, guarded, prefix, testClock: () => now }))
  return {
    records,
    pass: async (key, ms) => {
      now += ms
      await client.pexpire(key, (await client.pttl(key)) - ms)
    },
    stop: () => client.quit(),
  }
}

function inMemory(): Backend {
  let now = SOME_DAY
  const records = textual(new MemoryRecords(() => now))
  return {
    records,
    pass: async (_key, ms) => {
      now += ms
    },
    stop: () => records.close(),
  }
}

describe.each([
  ['Redis through ioredis 5', () => inRedis(Redis)],
  ['Redis through ioredis 6', () => inRedis(Redis6 as unknown as typeof Redis)],
  ['Redis through a client with a keyPrefix', () => inRedis(Redis, { keyPrefix: uniquePrefix('of-the-client') })],
  ['Redis through a client with stringNumbers', () => inRedis(Redis, { stringNumbers: true })],
  ['Redis on a test clock', inRedisOnTestClock],
  ['memory', inMemory],
])('Records in %s', (_name, open) => {
  let records: TextRecords
  let pass: Backend['pass']
  let stop: Backend['stop']
  let key: string

  beforeAll(() => {
    ;({ records, pass, stop } = open())
  })
  beforeEach(() => {
    key = `${prefix}${++count}`
  })
  afterAll(() => stop())

  const life = { idle: 10 * MINUTE, absolute: HOUR }
  const valueOf = async (name: string) => (await records.read(key, [name]))?.values[0]

  describe('create and read', () => {
    it('store fields and return the requested ones in order', async () => {
      await records.create(key, { a: 'one', b: 'zwei 😀', c: '' }, life)
      expect((await records.read(key, ['c', 'b', 'missing']))?.values).toEqual(['', 'zwei 😀', undefined])
    })

    it('distinguish no record from one without the field', async () => {
      expect(await records.read(key, ['a'])).toBeUndefined()
      await records.create(key, { a: 'one' }, life)
      expect((await records.read(key, ['b']))?.values).toEqual([undefined])
    })

    it("return when the record was last seen by the store's clock", async () => {
      const before = await records.now()
      await records.create(key, { a: 'one' }, life)
      const after = await records.now()
      const seen = (await records.read(key, ['a']))?.seen ?? 0
      expect(seen).toBeGreaterThanOrEqual(Math.floor(before))
      expect(seen).toBeLessThanOrEqual(after)
    })

    it('expire a record after its idle time, even if it is read', async () => {
      await records.create(key, { a: 'one' }, life)
      await pass(key, 9 * MINUTE)
      expect(await valueOf('a')).toBe('one')
      await pass(key, MINUTE)
      expect(await records.read(key, ['a'])).toBeUndefined()
    })

    it('expire a record at its end', async () => {
      await records.create(key, { a: 'one' }, { idle: HOUR, absolute: MINUTE })
      await pass(key, MINUTE)
      expect(await records.read(key, ['a'])).toBeUndefined()
    })
  })

  describe('visit', () => {
    it('returns the same as read', async () => {
      await records.create(key, { a: 'one', b: '' }, life)
      expect(await records.visit(key, ['b', 'a', 'c'])).toMatchObject({
        extended: false,
        values: ['', 'one', undefined],
        seen: (await records.read(key, ['a']))?.seen,
      })
    })

    it('restarts the idle time once a minute', async () => {
      await records.create(key, { a: 'one' }, life)
      await pass(key, 50 * SECOND)
      const early = await records.visit(key, ['a'])
      expect(early?.extended).toBe(false)
      expect(early?.rest).toBeGreaterThan(5 * SECOND)
      expect(early?.rest).toBeLessThanOrEqual(10 * SECOND)
      await pass(key, 10 * SECOND)
      const due = await records.visit(key, ['a'])
      expect(due).toMatchObject({ extended: true, values: ['one'] })
      expect(due?.rest).toBeGreaterThan(MINUTE - 5 * SECOND)
      expect(due?.rest).toBeLessThanOrEqual(MINUTE)
      expect((await records.visit(key, ['a']))?.extended).toBe(false)
    })

    it('restarts a short idle time after half of it', async () => {
      await records.create(key, { a: 'one' }, { idle: 40 * SECOND, absolute: HOUR })
      await pass(key, 15 * SECOND)
      expect((await records.visit(key, ['a']))?.extended).toBe(false)
      await pass(key, 5 * SECOND)
      expect((await records.visit(key, ['a']))?.extended).toBe(true)
      await pass(key, 35 * SECOND)
      expect(await valueOf('a')).toBe('one')
      await pass(key, 5 * SECOND)
      expect(await records.visit(key, ['a'])).toBeUndefined()
    })

    it('updates the last visit that read returns', async () => {
      await records.create(key, { a: 'one' }, life)
      await pass(key, 5 * MINUTE)
      const visited = await records.visit(key, ['a'])
      expect((await records.read(key, ['a']))?.seen).toBe(visited?.seen)
      expect(Math.abs((visited?.seen ?? 0) - (await records.now()))).toBeLessThan(5 * SECOND)
    })

    it('keeps a record alive only until its end', async () => {
      await records.create(key, { a: 'one' }, { idle: 10 * MINUTE, absolute: 25 * MINUTE })
      for (let visit = 0; visit < 3; visit++) {
        await pass(key, 8 * MINUTE)
        expect((await records.visit(key, ['a']))?.extended).toBe(true)
      }
      await pass(key, MINUTE)
      expect(await records.visit(key, ['a'])).toBeUndefined()
      expect(await records.read(key, ['a'])).toBeUndefined()
    })

    it('keeps a record without an end alive as long as it is visited', async () => {
      await records.create(key, { a: 'one' }, { idle: 10 * MINUTE })
      for (let visit = 0; visit < 20; visit++) {
        await pass(key, 9 * MINUTE)
        expect((await records.visit(key, ['a']))?.extended).toBe(true)
      }
    })

    it('extends once for many concurrent calls', async () => {
      await records.create(key, { a: 'one' }, life)
      await pass(key, 2 * MINUTE)
      const visits = await Promise.all(Array.from({ length: 20 }, () => records.visit(key, ['a'])))
      expect(visits.filter((visit) => visit?.extended)).toHaveLength(1)
    })

    it('creates no record', async () => {
      expect(await records.visit(key, ['a'])).toBeUndefined()
      expect(await records.read(key, ['a'])).toBeUndefined()
    })
  })

  describe('write without a condition', () => {
    it('writes fields of a record without changing other fields or its TTL', async () => {
      await records.create(key, { a: 'one', b: 'two' }, life)
      await pass(key, 9 * MINUTE)
      expect(await records.write(key, { b: 'new', c: 'more' })).toBe('done')
      expect((await records.read(key, ['a', 'b', 'c']))?.values).toEqual(['one', 'new', 'more'])
      await pass(key, MINUTE)
      expect(await records.read(key, ['a'])).toBeUndefined()
    })

    it.each([
      ['was never there', undefined],
      ['was ended', () => records.end(key, ['a'])],
      ['was ended as expected', () => records.end(key, ['a'], { field: 'a', head: 'one' })],
      ['has expired', () => pass(key, HOUR)],
    ])('writes nothing if the record %s', async (_reason, end) => {
      if (end) await records.create(key, { a: 'one' }, life)
      await end?.()
      expect(await records.write(key, { a: 'two' })).toBe('gone')
      expect(await records.read(key, ['a'])).toBeUndefined()
    })
  })

  describe('write over an expected value', () => {
    const first = { field: 't', head: '1.' }

    it('replaces a value with the expected prefix, all fields at once, without changing the TTL', async () => {
      await records.create(key, { t: '1.old', l: 'login', d: 'data' }, life)
      await pass(key, 9 * MINUTE)
      expect(await records.write(key, { t: '2.new', l: 'other' }, first)).toBe('done')
      expect((await records.read(key, ['t', 'l', 'd']))?.values).toEqual(['2.new', 'other', 'data'])
      await pass(key, MINUTE)
      expect(await records.read(key, ['t'])).toBeUndefined()
    })

    it('is idempotent', async () => {
      await records.create(key, { t: '1.old' }, life)
      await records.write(key, { t: '2.new' }, first)
      expect(await records.write(key, { t: '2.new' }, first)).toBe('done')
      expect(await valueOf('t')).toBe('2.new')
    })

    it('keeps a value with another prefix', async () => {
      await records.create(key, { t: '11.other', l: 'login' }, life)
      expect(await records.write(key, { t: '2.new', l: 'other' }, first)).toBe('conflict')
      expect((await records.read(key, ['t', 'l']))?.values).toEqual(['11.other', 'login'])
    })

    it('reports a missing record and creates none', async () => {
      expect(await records.write(key, { t: '2.new' }, first)).toBe('gone')
      await records.create(key, { t: '1.old' }, life)
      await pass(key, HOUR)
      expect(await records.write(key, { t: '2.new' }, first)).toBe('gone')
      expect(await records.read(key, ['t'])).toBeUndefined()
    })

    it('reports a record without the field as missing', async () => {
      await records.create(key, { d: 'data' }, life)
      expect(await records.write(key, { t: '2.new' }, first)).toBe('gone')
      expect(await valueOf('t')).toBeUndefined()
    })

    it('succeeds for one of many concurrent callers', async () => {
      await records.create(key, { t: '1.old' }, life)
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) => records.write(key, { t: `2.${String(index)}` }, first)),
      )
      expect(results.filter((result) => result === 'done')).toEqual(['done'])
      expect(results.filter((result) => result === 'conflict')).toHaveLength(19)
      expect(await valueOf('t')).toBe(`2.${String(results.indexOf('done'))}`)
    })
  })

  describe('end', () => {
    it('returns the values to one of many callers and deletes the whole record', async () => {
      await records.create(key, { a: 'one', b: 'two', c: 'three' }, life)
      const ended = await Promise.all(Array.from({ length: 20 }, () => records.end(key, ['b', 'a', 'x'])))
      expect(ended.filter((values) => values !== 'gone')).toEqual([['two', 'one', undefined]])
      expect(await records.read(key, ['c'])).toBeUndefined()
    })

    it('returns nothing for an expired record', async () => {
      await records.create(key, { a: 'one' }, life)
      await pass(key, HOUR)
      expect(await records.end(key, ['a'])).toBe('gone')
    })
  })

  describe('end with an expected value', () => {
    it('deletes a record whose value has the expected prefix', async () => {
      await records.create(key, { t: '1.old', a: 'one' }, life)
      expect(await records.end(key, ['a'], { field: 't', head: '1.' })).toEqual(['one'])
      expect(await records.read(key, ['a'])).toBeUndefined()
      expect(await records.end(key, ['a'], { field: 't', head: '1.' })).toBe('gone')
    })

    it('keeps a value with another prefix', async () => {
      await records.create(key, { t: '11.other' }, life)
      expect(await records.end(key, ['a'], { field: 't', head: '1.' })).toBe('conflict')
      expect(await valueOf('t')).toBe('11.other')
    })
  })

  describe('a list', () => {
    const add = (name: string, since: number, { ttl = HOUR } = {}) =>
      records.enlist(key, { name, value: `${String(since)}:${name}`, since, ttl })
    const names = async () => Object.keys(await records.listed(key)).sort()

    it('is empty if it does not exist', async () => {
      expect(await records.listed(key)).toEqual({})
    })

    it('contains all concurrently added entries', async () => {
      const entries = Array.from({ length: 20 }, (_, index) => [`entry ${String(index)}`, index] as const)
      const over = await Promise.all(entries.map(([name, since]) => add(name, since)))
      expect(over.sort((a, b) => a - b)).toEqual(entries.map((_, index) => index + 1))
      expect(await records.listed(key)).toEqual(
        Object.fromEntries(entries.map(([name, since]) => [name, `${String(since)}:${name}`])),
      )
    })

    it('keeps an entry as first added', async () => {
      await add('a', 1)
      expect(await add('a', 2)).toBe(1)
      expect(await records.listed(key)).toEqual({ a: '1:a' })
    })

    it('loses only removed entries', async () => {
      for (const name of ['a', 'b', 'c']) await add(name, 1)
      await records.delist(key, ['a', 'c', 'never there'])
      expect(await names()).toEqual(['b'])
      await records.delist(key, [])
      expect(await names()).toEqual(['b'])
      await records.delist(key, ['b'])
      expect(await names()).toEqual([])
    })

    it('does not count its mark', async () => {
      await add('a', 1)
      await records.mark(key, 5, HOUR)
      expect(await add('b', 6)).toBe(2)
    })

    it('refuses an entry older than its mark and accepts a newer one', async () => {
      await records.mark(key, 1000.5, HOUR)
      expect(await add('before', 1000.25)).toBe(0)
      expect(await add('then', 1000.5)).toBe(0)
      expect(await names()).toEqual([])
      expect(await add('after', 1000.75)).toBe(1)
      expect(await names()).toEqual(['after'])
    })

    it('keeps an existing entry older than its mark', async () => {
      await add('a', 1)
      await records.mark(key, 5, HOUR)
      expect(await add('a', 1)).toBe(1)
      expect(await names()).toEqual(['a'])
    })

    it('keeps its mark when all entries are gone', async () => {
      await add('a', 1)
      await records.mark(key, 5, HOUR)
      await records.delist(key, ['a'])
      expect(await add('a', 1)).toBe(0)
      await records.mark(key, 10, HOUR)
      expect(await add('b', 7)).toBe(0)
    })

    it('keeps the later of two marks, in any order', async () => {
      await records.mark(key, 10.5, HOUR)
      await records.mark(key, 5, HOUR)
      expect(await add('before', 10.25)).toBe(0)
      expect(await add('after', 10.75)).toBe(1)
    })

    it('lives as long as its longest entry and its mark', async () => {
      await add('long', 1, { ttl: 30 * MINUTE })
      await add('short', 2, { ttl: MINUTE })
      await pass(key, 29 * MINUTE)
      expect(await names()).toEqual(['long', 'short'])
      await records.mark(key, 5, 10 * MINUTE)
      await pass(key, 5 * MINUTE)
      expect(await add('late', 3)).toBe(0)
      await pass(key, 5 * MINUTE)
      expect(await names()).toEqual([])
      expect(await add('late', 3)).toBeGreaterThan(0)
    })
  })

  describe('a lock', () => {
    it('is acquired by one of many callers', async () => {
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, index) => records.claim(key, String(index), MINUTE)),
      )
      expect(claims.filter(Boolean)).toEqual([true])
      expect(await records.renew(key, String(claims.indexOf(true)), MINUTE)).toBe(true)
    })

    it('is free again after its timeout', async () => {
      await records.claim(key, 'one', MINUTE)
      expect(await records.claim(key, 'two', MINUTE)).toBe(false)
      await pass(key, MINUTE)
      expect(await records.claim(key, 'two', MINUTE)).toBe(true)
    })

    it('is renewed only by its holder', async () => {
      expect(await records.renew(key, 'mine', MINUTE)).toBe(false)
      await records.claim(key, 'mine', MINUTE)
      expect(await records.renew(key, 'theirs', HOUR)).toBe(false)
      expect(await records.renew(key, 'mine', 10 * MINUTE)).toBe(true)
      await pass(key, 9 * MINUTE)
      expect(await records.claim(key, 'theirs', MINUTE)).toBe(false)
      await pass(key, MINUTE)
      expect(await records.renew(key, 'mine', MINUTE)).toBe(false)
    })

    it('is released only by its holder', async () => {
      await records.claim(key, 'mine', MINUTE)
      await records.renew(key, 'theirs', 0)
      expect(await records.claim(key, 'theirs', MINUTE)).toBe(false)
      await records.renew(key, 'mine', 0)
      await records.renew(key, 'mine', 0)
      expect(await records.claim(key, 'theirs', MINUTE)).toBe(true)
    })
  })

  describe('now', () => {
    it('moves forward', async () => {
      const first = await records.now()
      await pass(key, MINUTE)
      expect(await records.now()).toBeGreaterThanOrEqual(first)
    })
  })
})

describe('Records in Redis', () => {
  let client: Redis
  let records: TextRecords

  beforeAll(() => {
    client = new Redis(testRedisUrl())
    records = recordsOn(client)
  })
  afterAll(() => client.quit())

  it("use the server's time in microseconds, regardless of the process clock", async () => {
    const [seconds, microseconds] = (await client.time()).map(Number)
    const now = await records.now()
    const asked = seconds! * 1000 + microseconds! / 1000
    expect(now).toBeGreaterThanOrEqual(asked)
    expect(now - asked).toBeLessThan(5_000)
    const times = await Promise.all(Array.from({ length: 20 }, () => records.now()))
    expect(times.some((time) => !Number.isInteger(time))).toBe(true)
    expect([...times].sort((a, b) => a - b)).toEqual(times)
  })

  it('use only the test clock if there is one', async () => {
    let now = SOME_DAY
    const onTestClock = textual(createRedisRecords({ client, owned: false, guarded, prefix, testClock: () => now }))
    const key = `${prefix}on-test-clock`
    await onTestClock.create(key, { a: 'one' }, { idle: 10 * MINUTE, absolute: 15 * MINUTE })
    now += 9 * MINUTE
    expect(await onTestClock.read(key, ['a'])).toMatchObject({ seen: SOME_DAY, values: ['one'] })
    expect(await onTestClock.visit(key, ['a'])).toMatchObject({ extended: true, seen: now })
    now += 6 * MINUTE
    expect(await onTestClock.read(key, ['a'])).toBeUndefined()
    expect(await onTestClock.visit(key, ['a'])).toBeUndefined()
    expect(await onTestClock.now()).toBe(now)
  })

  it('give every key the TTL of its longest-lived content', async () => {
    const under = `${prefix}ttl:`
    const life = { idle: 10 * MINUTE, absolute: HOUR }
    await records.create(`${under}session`, { a: 'one' }, life)
    await records.create(`${under}visitor`, { a: 'one' }, { idle: 10 * MINUTE })
    await records.create(`${under}ending`, { a: 'one' }, { idle: HOUR, absolute: 10 * MINUTE })
    await records.write(`${under}session`, { b: 'two' })
    await records.write(`${under}session`, { b: 'three' }, { field: 'b', head: 'two' })
    await records.enlist(`${under}list`, { name: 'a', value: '1:a', since: 1, ttl: 10 * MINUTE })
    await records.mark(`${under}mark`, 1, 10 * MINUTE)
    await records.claim(`${under}lock`, 'mine', 10 * MINUTE)
    for (const kind of ['session', 'visitor', 'ending', 'list', 'mark', 'lock']) {
      const left = await client.pttl(under + kind)
      expect([kind, left > 10 * MINUTE - 10 * SECOND, left <= 10 * MINUTE]).toEqual([kind, true, true])
    }
  })

  it('keep a record without an end, as version 0.1.0 stored for visitors', async () => {
    const key = `${prefix}endless`
    await records.create(key, { a: 'one' }, { idle: 10 * MINUTE })
    await client.hdel(key, 'e')
    await client.hincrby(key, 's', -8 * MINUTE)
    expect(await records.visit(key, ['a'])).toMatchObject({ extended: true, values: ['one'] })
    expect(await client.pttl(key)).toBeGreaterThan(9 * MINUTE)
    await client.hincrby(key, 's', -10 * MINUTE)
    expect(await records.visit(key, ['a'])).toBeUndefined()
  })

  it('give a visited record its idle time, but never beyond its end', async () => {
    const key = `${prefix}visited`
    await records.create(key, { a: 'one' }, { idle: 10 * MINUTE, absolute: 15 * MINUTE })
    await client.hincrby(key, 's', -8 * MINUTE)
    await client.hincrby(key, 'e', -8 * MINUTE)
    await client.pexpire(key, 2 * MINUTE)
    expect((await records.visit(key, ['a']))?.extended).toBe(true)
    const left = await client.pttl(key)
    expect(left).toBeLessThanOrEqual(7 * MINUTE)
    expect(left).toBeGreaterThan(7 * MINUTE - 10 * SECOND)
  })

  it('all work after the server loses its scripts', async () => {
    const key = (name: string) => `${prefix}flushed:${name}`
    const entry = { name: 'a', value: '1:a', since: 1, ttl: MINUTE }
    const calls: [string, () => Promise<unknown>, unknown][] = [
      ['now', () => records.now(), expect.any(Number)],
      ['create', () => records.create(key('s'), { t: '1.old' }, { idle: MINUTE }), undefined],
      ['visit', () => records.visit(key('s'), ['t']), expect.objectContaining({ values: ['1.old'] })],
      ['write', () => records.write(key('s'), { d: 'data' }), 'done'],
      ['write', () => records.write(key('s'), { t: '2.new' }, { field: 't', head: '1.' }), 'done'],
      ['end', () => records.end(key('s'), ['t'], { field: 't', head: '1.' }), 'conflict'],
      ['end', () => records.end(key('s'), ['t']), ['2.new']],
      ['enlist', () => records.enlist(key('u'), entry), 1],
      ['mark', () => records.mark(key('u'), 1, MINUTE), undefined],
      ['claim', () => records.claim(key('l'), 'mine', MINUTE), true],
      ['renew', () => records.renew(key('l'), 'mine', MINUTE), true],
      ['renew', () => records.renew(key('l'), 'mine', 0), true],
    ]
    for (const [name, call, result] of calls) {
      await client.script('FLUSH')
      expect([name, await call()]).toEqual([name, result])
    }
  })

  it('close a connection opened by the package', async () => {
    const own = new Redis(testRedisUrl())
    const opened = recordsOn(own, true)
    await opened.now()
    const ended = once(own, 'end')
    await opened.close()
    await ended
  })

  it("keep the caller's connection open", async () => {
    await records.close()
    expect(await client.ping()).toBe('PONG')
  })

  it('reject every call with session_unavailable once Redis is gone', async () => {
    const gone = recordsOn(new Redis(testRedisUrl()), true)
    await gone.now()
    await gone.close()
    const calls = [
      gone.now(),
      gone.create('key', {}, { idle: 1 }),
      gone.read('key', ['a']),
      gone.visit('key', ['a']),
      gone.write('key', { a: 'one' }),
      gone.end('key', ['a']),
      gone.enlist('key', { name: 'a', value: '', since: 1, ttl: 1 }),
      gone.listed('key'),
      gone.delist('key', ['a']),
      gone.mark('key', 1, 1),
      gone.claim('key', 'value', 1),
      gone.renew('key', 'value', 1),
      gone.renew('key', 'value', 0),
    ]
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toEqual({ status: 'rejected', reason: expect.any(SessionUnavailableError) })
    }
  })
})

describe('Records in memory', () => {
  const life = { idle: MINUTE }

  it('free the memory of expired records that are never read', async () => {
    let now = 0
    const records = textual(new MemoryRecords(() => now))
    await records.create('old', { a: 'one' }, life)
    now = MINUTE
    for (let index = 0; index < 1_000; index++) await records.create(`new ${String(index)}`, {}, life)
    now = 0
    expect(await records.read('old', ['a'])).toBeUndefined()
  })

  it('reject calls after close', async () => {
    const records = new MemoryRecords(() => 0)
    await records.create('key', { a: 'one' }, life)
    await records.close()
    await expect(async () => records.read('key', ['a'])).rejects.toMatchObject({ code: 'configuration_error' })
  })

  it("do not change when the caller's objects change", async () => {
    const records = textual(new MemoryRecords())
    const fields = { a: 'one' }
    await records.create('key', fields, life)
    fields.a = 'two'
    expect((await records.read('key', ['a']))?.values).toEqual(['one'])
  })
})
