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

/** As if they had been logged in just now, so that no request has to extend them, however long the copying took. */
const FRESHEN_ALL = `
for number = 1, #ARGV, 2 do
  redis.call('PEXPIRE', ARGV[number], ARGV[number + 1])
end
`

const BATCH = 500

/** Real sessions, all alike: the keys of one that was logged in, copied under new ids. */
export class StoredSessions {
  readonly #redis: Redis
  /** Key -> milliseconds that it has to live after a login. */
  readonly #keys: ReadonlyMap<string, number>
  readonly #cookieName: string
  readonly #id: string
  readonly #ids: string[]

  /** Right after the login of the entrant. */
  static async of(redis: Redis, { cookie, stored }: Entrant): Promise<StoredSessions> {
    const ttls = await Promise.all(stored.keys.map(async (key) => [key, await redis.pttl(key)] as const))
    return new StoredSessions(redis, cookie, new Map(ttls))
  }

  private constructor(redis: Redis, cookie: string, keys: ReadonlyMap<string, number>) {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(cookie) ?? []
    this.#redis = redis
    this.#keys = keys
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

  /** Cookies of at most so many of them, picked evenly and made fresh. */
  async cookies(most: number): Promise<string[]> {
    const step = Math.max(1, this.count / most)
    const places = Array.from({ length: Math.min(most, this.count) }, (_, place) => Math.floor(place * step))
    const picked = places.map((place) => this.#ids[place] ?? '')
    for (let done = 0; done < picked.length; done += BATCH) await this.#freshen(picked.slice(done, done + BATCH))
    return picked.map((id) => this.#cookieOf(id))
  }

  async #freshen(ids: readonly string[]): Promise<void> {
    const owned = [...this.#keys].filter(([key]) => key.includes(this.#id))
    const lives = ids.flatMap((id) => owned.flatMap(([key, ttl]) => [this.#keyFor(key, id), ttl]))
    await this.#redis.eval(FRESHEN_ALL, 0, ...lives)
  }

  #newIds(count: number): string[] {
    const length = Math.min(BATCH, count - this.count)
    const ids = Array.from({ length }, () => randomBytes(24).toString('base64url'))
    this.#ids.push(...ids)
    return ids
  }

  async #copyTo(ids: readonly string[]): Promise<void> {
    const keys = [...this.#keys.keys()]
    const copies = ids.flatMap((id) => keys.map((key) => this.#keyFor(key, id)))
    await this.#redis.eval(COPY_ALL, keys.length, ...keys, ...copies)
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
