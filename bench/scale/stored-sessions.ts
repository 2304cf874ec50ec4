import { createHmac, randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Entrant } from '../harness/enter.ts'
import { SESSION_SECRET } from '../harness/world.ts'

/** COPY takes the time to live along. */
const COPY_ALL = `
for number = 1, #ARGV do
  redis.call('COPY', KEYS[1 + (number - 1) % #KEYS], ARGV[number])
end
`

const BATCH = 500

/** Real sessions, all alike: the keys of one that was logged in, copied under new ids. */
export class StoredSessions {
  readonly #redis: Redis
  readonly #keys: readonly string[]
  readonly #cookieName: string
  readonly #id: string
  readonly #ids: string[]

  constructor(redis: Redis, { cookie, stored }: Entrant) {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(cookie) ?? []
    this.#redis = redis
    this.#keys = stored.keys
    this.#cookieName = name
    this.#id = /^s:([^.]+)\./.exec(decodeURIComponent(value))?.[1] ?? ''
    this.#ids = [this.#id]
    if (this.#cookieOf(this.#id) !== cookie) throw new Error('the cookie of a session is not signed as expected')
  }

  get count(): number {
    return this.#ids.length
  }

  async fillTo(count: number): Promise<void> {
    while (this.count < count) {
      const batches = Array.from({ length: 20 }, () => this.#newIds(count)).filter((ids) => ids.length)
      await Promise.all(batches.map((ids) => this.#copyTo(ids)))
    }
  }

  /** Cookies of at most so many of them, picked evenly. */
  cookies(most: number): string[] {
    const step = Math.max(1, this.count / most)
    const picked = Array.from({ length: Math.min(most, this.count) }, (_, place) => this.#ids[Math.floor(place * step)])
    return picked.flatMap((id) => (id === undefined ? [] : [this.#cookieOf(id)]))
  }

  #newIds(count: number): string[] {
    const length = Math.min(BATCH, count - this.count)
    const ids = Array.from({ length }, () => randomBytes(24).toString('base64url'))
    this.#ids.push(...ids)
    return ids
  }

  async #copyTo(ids: readonly string[]): Promise<void> {
    const copies = ids.flatMap((id) => this.#keys.map((key) => this.#keyFor(key, id)))
    await this.#redis.eval(COPY_ALL, this.#keys.length, ...this.#keys, ...copies)
  }

  /** A key that does not name the session, as the list of a user's sessions, becomes one of another user. */
  #keyFor(key: string, id: string): string {
    return key.includes(this.#id) ? key.replace(this.#id, id) : key.slice(0, key.lastIndexOf(':') + 1) + id
  }

  #cookieOf(id: string): string {
    const signature = createHmac('sha256', SESSION_SECRET).update(id).digest('base64').replace(/=+$/, '')
    return `${this.#cookieName}=${encodeURIComponent(`s:${id}.${signature}`)}`
  }
}
