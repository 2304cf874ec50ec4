import type { Evaluate } from './attempt-store.js'

/** Milliseconds: 30 days. */
const LIFETIME = 2_592_000_000
/** Milliseconds: 1 day between writes of the same entry by one process. */
const TOLD = 86_400_000
/** Maximum entries per process. */
const MOST = 10_000

const HAS = `return redis.call('EXISTS', KEYS[1])`
const ADD = `redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])`

/** Subnets from which an account has logged in within 30 days. */
export function createKnownClients(prefix: string, evaluate: Evaluate | undefined) {
  const local = new Map<string, number>()
  const keyOf = (account: string, client: string) => `${prefix}${account}:${client}`
  return {
    /** Whether this process knows the client. */
    hasHere: (account: string, client: string): boolean => (local.get(keyOf(account, client)) ?? 0) > Date.now(),
    has: async (account: string, client: string): Promise<boolean> => {
      const key = keyOf(account, client)
      // While the store is down, only hasHere() knows clients.
      return (await evaluate?.(HAS, key, []).catch(() => 0)) === 1
    },
    add: (account: string, client: string): void => {
      const key = keyOf(account, client)
      if ((local.get(key) ?? 0) > Date.now() + LIFETIME - TOLD) return
      const [oldest] = local.keys()
      if (local.size >= MOST && oldest !== undefined) local.delete(oldest)
      local.delete(key)
      local.set(key, Date.now() + LIFETIME)
      void evaluate?.(ADD, key, [String(LIFETIME)]).catch(() => undefined)
    },
  }
}
