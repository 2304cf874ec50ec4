import { randomBytes } from 'node:crypto'

/** The Redis shared by the whole run. Use only keys under a {@link uniquePrefix}, and never flush it. */
export function testRedisUrl(): string {
  const url = process.env.TEST_REDIS_URL
  if (!url) throw new Error('TEST_REDIS_URL is not set: run the tests through jest, whose global setup starts Redis.')
  return url
}

/** A key prefix that no other test uses. */
export function uniquePrefix(label = 'test'): string {
  return `${label}:${randomBytes(8).toString('hex')}:`
}
