import type { Records, StoredRecord } from './records.js'

interface Entry {
  value: string
  expires: number
}

const SWEEP_EVERY = 1000

/** The same semantics as Redis, within one process. Async, so that callers meet the same order of events. */
export class MemoryRecords implements Records {
  readonly #clock: () => number
  readonly #entries = new Map<string, Entry>()
  #writes = 0

  constructor(clock: () => number) {
    this.#clock = clock
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    const entry = this.#live(key)
    return Promise.resolve(entry && { value: entry.value, ttl: entry.expires - this.#clock() })
  }

  async write(key: string, value: string, ttl: number): Promise<void> {
    this.#put(key, value, ttl)
    return Promise.resolve()
  }

  async replace(key: string, value: string, ttl: number): Promise<boolean> {
    const exists = this.#live(key) !== undefined
    if (exists) this.#put(key, value, ttl)
    return Promise.resolve(exists)
  }

  async extend(key: string, ttl: number): Promise<void> {
    const entry = this.#live(key)
    if (entry) entry.expires = this.#clock() + ttl
    return Promise.resolve()
  }

  async remove(key: string): Promise<void> {
    this.#entries.delete(key)
    return Promise.resolve()
  }

  async take(key: string): Promise<string | undefined> {
    const value = this.#live(key)?.value
    this.#entries.delete(key)
    return Promise.resolve(value)
  }

  async keys(prefix: string): Promise<string[]> {
    return Promise.resolve([...this.#entries.keys()].filter((key) => key.startsWith(prefix) && this.#live(key)))
  }

  async ping(): Promise<void> {
    return Promise.resolve()
  }

  async close(): Promise<void> {
    this.#entries.clear()
    return Promise.resolve()
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry && entry.expires > this.#clock()) return entry
    this.#entries.delete(key)
    return undefined
  }

  #put(key: string, value: string, ttl: number): void {
    if (++this.#writes % SWEEP_EVERY === 0) for (const known of this.#entries.keys()) this.#live(known)
    this.#entries.set(key, { value, expires: this.#clock() + ttl })
  }
}
