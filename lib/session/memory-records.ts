import type { Records } from './records.js'

interface Entry {
  value: string
  expires: number
}

const SWEEP_EVERY = 1000

/** The same semantics as Redis, within one process. */
export function createMemoryRecords(clock: () => number): Records {
  const entries = new Map<string, Entry>()
  let writes = 0

  const live = (key: string): Entry | undefined => {
    const entry = entries.get(key)
    if (entry && entry.expires > clock()) return entry
    entries.delete(key)
    return undefined
  }
  const put = (key: string, value: string, ttl: number) => {
    if (++writes % SWEEP_EVERY === 0) for (const known of entries.keys()) live(known)
    entries.set(key, { value, expires: clock() + ttl })
  }

  // Async, so that a caller meets the same order of events as with Redis.
  return {
    read: async (key) => {
      const entry = live(key)
      return Promise.resolve(entry && { value: entry.value, ttl: entry.expires - clock() })
    },
    write: async (key, value, ttl) => Promise.resolve(put(key, value, ttl)),
    replace: async (key, value, ttl) => {
      const exists = live(key) !== undefined
      if (exists) put(key, value, ttl)
      return Promise.resolve(exists)
    },
    extend: async (key, ttl) => {
      const entry = live(key)
      if (entry) entry.expires = clock() + ttl
      return Promise.resolve()
    },
    remove: async (key) => {
      entries.delete(key)
      return Promise.resolve()
    },
    take: async (key) => {
      const value = live(key)?.value
      entries.delete(key)
      return Promise.resolve(value)
    },
    keys: async (prefix) => Promise.resolve([...entries.keys()].filter((key) => key.startsWith(prefix) && live(key))),
    ping: async () => Promise.resolve(),
    close: async () => {
      entries.clear()
      return Promise.resolve()
    },
  }
}
