import { describe, expect, it } from '@jest/globals'
import { Cluster, Redis } from 'ioredis'
import { complete, messageFor, quiet, resolve } from './support.ts'

const lazy = { lazyConnect: true }

describe('redis', () => {
  it.each([
    'redis://localhost',
    'redis://:pass@localhost:6379/1',
    'rediss://localhost:6380',
    'unix:///tmp/redis.sock',
    '/tmp/redis.sock',
    { port: 6380 },
    { sentinels: [{ host: 'localhost', port: 26379 }], name: 'main' },
    { role: 'master' },
  ])('accepts %j', (redis) => {
    expect(resolve({ ...complete, redis }).redis).toEqual(redis)
  })

  it('drops options of ioredis that are undefined', () => {
    const { redis } = resolve({ ...complete, redis: { host: 'localhost', password: undefined } })
    expect(Object.keys(redis as object)).toEqual(['host'])
  })

  it.each([
    'localhost:6379',
    'localhost',
    'http://localhost:6379',
    'redis://[::1',
    'redis://localhost:99999',
    '"redis://a"',
  ])('refuses %s', (redis) => {
    expect(messageFor({ redis })).toBe('redis must be a redis: or rediss: URL, ioredis options or an ioredis client')
  })

  it.each([
    [
      { url: 'redis://localhost' },
      'redis has a url member, which ioredis does not support: pass the URL itself (redis: url)',
    ],
    [new URL('redis://localhost'), 'redis must be a string, not a URL object: pass url.href'],
    ['', 'redis must not be empty: leave it out, or pass a URL'],
  ])('says how to pass the URL in place of %j', (redis, expected) => {
    expect(messageFor({ redis })).toBe(expected)
  })

  it.each([
    ['of the package redis', { sendCommand: quiet.info, connect: quiet.info, scanIterator: quiet.info }],
    ['that can only connect', { connect: quiet.info }],
  ])('refuses a client %s', (_name, redis) => {
    expect(messageFor({ redis })).toBe(
      'redis must be an ioredis client, because connect-redis 8 supports no other: ' +
        'pass new Redis(...) or new Cluster(...) from the ioredis package',
    )
  })

  it.each([
    ['a cluster', () => new Cluster([{ port: 7000 }], { ...lazy, scaleReads: 'slave' }), 'scaleReads'],
    [
      'a cluster that asks all nodes',
      () => new Cluster([{ port: 7000 }], { ...lazy, scaleReads: 'all' }),
      'scaleReads',
    ],
    ['a client', () => new Redis({ ...lazy, sentinels: [{ port: 1 }], name: 'main', role: 'slave' }), 'role'],
    ['options', () => ({ sentinels: [{ port: 1 }], name: 'main', role: 'slave' }), 'role'],
  ])('refuses %s that reads from replicas', (_name, make, setting) => {
    const redis = make()
    expect(messageFor({ redis })).toBe(`redis reads from replicas, which lag behind: set ${setting} to 'master'`)
    if ('disconnect' in redis) redis.disconnect()
  })
})
