import { randomBytes } from 'node:crypto'
import type { Child } from '../harness/child.ts'
import { enterAs, type Entrant, logIn } from '../harness/enter.ts'
import type { World } from '../harness/world.ts'
import { OURS } from './context.ts'

/** Maximum number of real logins. The load uses their cookies. */
export const REAL_SESSIONS = 10_000

/** COPY also copies the TTL. */
const COPY_ALL = `
for number = 1, #ARGV do
  redis.call('COPY', KEYS[1 + (number - 1) % #KEYS], ARGV[number])
end
`

/** Sessions per command, concurrent commands, and concurrent logins. */
const [BATCH, BATCHES, LOGINS] = [500, 20, 20]

/**
 * Logs in different users, up to {@link REAL_SESSIONS}. All further sessions are copies of the first one's keys under
 * random names. They use the same memory but cannot be opened, so no request uses them.
 */
export class StoredSessions {
  readonly #world: World
  readonly #child: Child
  readonly #first: Entrant
  readonly #cookies: string[]
  #copies = 0

  /** Requires an empty Redis. */
  static async begin(world: World, child: Child): Promise<StoredSessions> {
    return new StoredSessions(world, child, await enterAs(child, world, { contender: OURS, user: 0 }))
  }

  private constructor(world: World, child: Child, first: Entrant) {
    this.#world = world
    this.#child = child
    this.#first = first
    this.#cookies = [first.cookie]
  }

  get entrant(): Entrant {
    return this.#first
  }

  /** Cookies of all real sessions. */
  get cookies(): readonly string[] {
    return this.#cookies
  }

  async fillTo(count: number): Promise<void> {
    while (this.#cookies.length < Math.min(count, REAL_SESSIONS)) await this.#logIn(Math.min(count, REAL_SESSIONS))
    while (this.#cookies.length + this.#copies < count) await this.#copy(count)
  }

  async #logIn(upTo: number): Promise<void> {
    const next = this.#cookies.length
    const users = Array.from({ length: Math.min(LOGINS, upTo - next) }, (_, place) => next + place)
    const cookies = users.map((user) => logIn(this.#world, { contender: OURS, child: this.#child, user }))
    this.#cookies.push(...(await Promise.all(cookies)))
  }

  async #copy(upTo: number): Promise<void> {
    const keys = this.#first.stored.keys
    const missing = upTo - this.#cookies.length - this.#copies
    const copying = Array.from({ length: BATCHES }, (_, batch) => {
      const size = Math.max(0, Math.min(BATCH, missing - batch * BATCH))
      const targets = Array.from({ length: size }, () => keys.map(renamed)).flat()
      this.#copies += size
      return this.#world.redis.eval(COPY_ALL, keys.length, ...keys, ...targets)
    })
    await Promise.all(copying)
  }
}

/** Replaces the last part of each key, a session id or a user hash, with a random one of the same length. */
function renamed(key: string): string {
  const start = key.lastIndexOf(':') + 1
  const length = key.length - start
  return key.slice(0, start) + randomBytes(length).toString('base64url').slice(0, length)
}
