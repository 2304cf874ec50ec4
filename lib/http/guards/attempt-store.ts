import { MemoryStore, type ClientRateLimitInfo, type Options, type Store } from 'express-rate-limit'
import { RedisStore } from 'rate-limit-redis'

/** Runs a script on one key in the shared store. Rejects if the store does not respond in time. */
export type Evaluate = (script: string, key: string, args: string[]) => Promise<unknown>

/** Counts attempts in Redis for all processes. While Redis is down, counts them in this process with the same limit. */
export class AttemptStore implements Store {
  readonly #local = new MemoryStore()
  readonly #prefix: string
  readonly #evaluate: Evaluate | undefined
  readonly #shared: RedisStore | undefined

  constructor(prefix: string, evaluate: Evaluate | undefined) {
    this.#prefix = prefix
    this.#evaluate = evaluate
    this.#shared = evaluate && sharedStore(prefix, evaluate)
  }

  init(options: Options): void {
    this.#local.init(options)
    // Not awaited, so that the app can start while Redis is down.
    void this.#shared?.init(options)
  }

  async increment(key: string): Promise<ClientRateLimitInfo> {
    if (!this.#shared) return this.#local.increment(key)
    try {
      return await this.#shared.increment(key)
    } catch {
      return this.#local.increment(key)
    }
  }

  /** Never goes below zero or creates a key without an expiry. */
  async decrement(key: string): Promise<void> {
    await this.#local.decrement(key)
    await this.#evaluate?.(GIVE_BACK, `${this.#prefix}${key}`, []).catch(() => undefined)
  }

  async resetKey(key: string): Promise<void> {
    await this.#local.resetKey(key)
  }

  shutdown(): Promise<void> {
    this.#local.shutdown()
    return Promise.resolve()
  }
}

/** The library's own DECR would create a key without an expiry if the window has just ended. */
const GIVE_BACK = `
local count = tonumber(redis.call('GET', KEYS[1]) or 0)
if count > 0 then redis.call('DECR', KEYS[1]) end
`

/** rate-limit-redis sends LOAD, then EVALSHA. The script itself serves as the SHA, so that one call is enough. */
function sharedStore(prefix: string, evaluate: Evaluate): RedisStore {
  return new RedisStore({
    prefix,
    sendCommandCluster: async ({ command: [name, ...rest] }) => {
      if (name === 'SCRIPT') return rest[1] ?? ''
      const [script = '', , key = '', ...args] = rest
      return (await evaluate(script, key, args)) as [number, number]
    },
  })
}
