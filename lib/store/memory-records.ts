import type { Records, StoredRecord, SwapResult } from './records.js'

interface Entry {
  value: string
  expires: number
}

const SWEEP_EVERY = 1000

/** The same semantics as Redis, within one process. Async, so that callers meet the same order of events. */
export class MemoryRecords implements Records {
  readonly ordered = true
  readonly #clock: () => number
  readonly #entries = new Map<string, Entry>()
  #writes = 0

  constructor(clock: () => number) {
    this.#clock = clock
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    return this.readWithTtl(key)
  }

  async readWithTtl(key: string): Promise<Required<StoredRecord> | undefined> {
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

  async claim(key: string, value: string, ttl: number): Promise<boolean> {
    const free = this.#live(key) === undefined
    if (free) this.#put(key, value, ttl)
    return Promise.resolve(free)
  }

  async renew(key: string, value: string, ttl: number): Promise<boolean> {
    const entry = this.#live(key)
    if (entry?.value !== value) return Promise.resolve(false)
    entry.expires = this.#clock() + ttl
    return Promise.resolve(true)
  }

  async release(key: string, value: string): Promise<void> {
    if (this.#live(key)?.value === value) this.#entries.delete(key)
    return Promise.resolve()
  }

  async swap(key: string, head: string, value: string): Promise<SwapResult> {
    const entry = this.#live(key)
    if (!entry) return Promise.resolve('gone')
    if (entry.value === value) return Promise.resolve('done')
    if (!entry.value.startsWith(head)) return Promise.resolve('conflict')
    entry.value = value
    return Promise.resolve('done')
  }

  async discard(key: string, head: string): Promise<SwapResult> {
    const entry = this.#live(key)
    if (!entry) return Promise.resolve('gone')
    if (!entry.value.startsWith(head)) return Promise.resolve('conflict')
    this.#entries.delete(key)
    return Promise.resolve('done')
  }

  async enlist(key: string, entry: string, { value, ttl }: { value: string; ttl: number }): Promise<number> {
    const list = { ...this.#list(key), [entry]: value }
    const left = (this.#live(key)?.expires ?? 0) - this.#clock()
    this.#put(key, JSON.stringify(list), Math.max(left, ttl))
    return Promise.resolve(Object.keys(list).length)
  }

  async listed(key: string): Promise<Record<string, string>> {
    return Promise.resolve(this.#list(key))
  }

  async delist(key: string, entries: readonly string[]): Promise<void> {
    const known = this.#live(key)
    if (!known) return Promise.resolve()
    const kept = Object.entries(this.#list(key)).filter(([entry]) => !entries.includes(entry))
    if (kept.length) known.value = JSON.stringify(Object.fromEntries(kept))
    else this.#entries.delete(key)
    return Promise.resolve()
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

  #list(key: string): Record<string, string> {
    return JSON.parse(this.#live(key)?.value ?? '{}') as Record<string, string>
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
