/* eslint-disable @typescript-eslint/require-await -- what goes wrong rejects, as it does with Redis */
import { EXISTS, MARK, type Entries, type Expected, type Fields, type Found, type Lifetime } from './records.js'
import type { ListEntry, Records, Refused, Values, Visited, WriteResult } from './records.js'
import { closedError } from './store-health.js'

interface Entry {
  fields: Record<string, string | Buffer>
  /** In milliseconds. Infinity for locks and lists. */
  idle: number
  end: number
  seen: number
}

const MINUTE = 60_000
const SWEEP_EVERY = 1000

/** System time at start plus the time elapsed, so that changes of the system clock have no effect. */
const monotonic = () => performance.timeOrigin + performance.now()

/** The same semantics as Redis, within one process. Async, so that events happen in the same order. */
export class MemoryRecords implements Records {
  readonly ordered = true
  #clock: () => number
  readonly #entries = new Map<string, Entry>()
  #writes = 0

  constructor(testClock = monotonic) {
    this.#clock = testClock
  }

  async now(): Promise<number> {
    return this.#clock()
  }

  async create(key: string, fields: Fields, life: Lifetime): Promise<void> {
    this.#add(key, { ...fields, [EXISTS.field]: '' }, life)
  }

  async read(key: string, names: readonly string[]): Promise<Found | undefined> {
    const entry = this.#live(key)
    return entry && foundIn(entry, names)
  }

  async visit(key: string, names: readonly string[]): Promise<Visited | undefined> {
    const entry = this.#live(key)
    if (!entry) return undefined
    const now = this.#clock()
    const every = Math.min(MINUTE, entry.idle / 2)
    const extended = now - entry.seen >= every
    if (extended) entry.seen = now
    return { extended, rest: Math.ceil(entry.seen + every - now), ...foundIn(entry, names) }
  }

  async write(key: string, fields: Fields, expected = EXISTS): Promise<WriteResult> {
    const held = this.#live(key)?.fields
    const result = compare(held?.[expected.field], expected, fields[expected.field])
    if (result === 'done') Object.assign(held ?? {}, fields)
    return result
  }

  async end(key: string, names: readonly string[], expected = EXISTS): Promise<Values | Refused> {
    const entry = this.#live(key)
    const result = compare(entry?.fields[expected.field], expected)
    if (!entry || result !== 'done') return result as Refused
    this.#entries.delete(key)
    return foundIn(entry, names).values
  }

  async enlist(key: string, { name, value, since, ttl }: ListEntry): Promise<number> {
    const { [MARK]: mark, ...entries } = this.#listed(key)
    if (entries[name] === undefined) {
      if (mark !== undefined && since <= Number(mark)) return 0
      this.#addListed(key, { [name]: value }, ttl)
    }
    return Object.keys({ ...entries, [name]: value }).length
  }

  async listed(key: string): Promise<Entries> {
    const { [MARK]: _mark, ...entries } = this.#listed(key)
    return entries
  }

  async delist(key: string, names: readonly string[]): Promise<void> {
    const entry = this.#live(key)
    for (const name of names) Reflect.deleteProperty(entry?.fields ?? {}, name)
    if (entry && Object.keys(entry.fields).length === 0) this.#entries.delete(key)
  }

  async mark(key: string, since: number, ttl: number): Promise<void> {
    this.#addListed(key, { [MARK]: String(Math.max(since, Number(this.#listed(key)[MARK] ?? 0))) }, ttl)
  }

  async claim(key: string, value: string, ttl: number): Promise<boolean> {
    const free = this.#live(key) === undefined
    if (free) this.#add(key, { value }, { absolute: ttl })
    return free
  }

  async renew(key: string, value: string, ttl: number): Promise<boolean> {
    const entry = this.#live(key)
    if (entry?.fields.value !== value) return false
    entry.end = this.#clock() + ttl
    return true
  }

  async close(): Promise<void> {
    this.#clock = () => {
      throw closedError()
    }
    this.#entries.clear()
  }

  #listed(key: string): Record<string, string> {
    return (this.#live(key)?.fields ?? {}) as Record<string, string>
  }

  /** Sets an entry of a list and extends its lifetime to at least `ttl`. */
  #addListed(key: string, fields: Fields, ttl: number): void {
    const left = (this.#live(key)?.end ?? 0) - this.#clock()
    this.#add(key, { ...this.#listed(key), ...fields }, { absolute: Math.max(left, ttl) })
  }

  #live(key: string): Entry | undefined {
    const now = this.#clock()
    const entry = this.#entries.get(key)
    if (entry && Math.min(entry.end, entry.seen + entry.idle) > now) return entry
    this.#entries.delete(key)
    return undefined
  }

  #add(key: string, fields: Fields, { idle = Infinity, absolute = Infinity }: Partial<Lifetime>): void {
    if (++this.#writes % SWEEP_EVERY === 0) for (const known of this.#entries.keys()) this.#live(known)
    const seen = this.#clock()
    this.#entries.set(key, { fields: { ...fields }, idle, end: seen + absolute, seen })
  }
}

function foundIn({ fields, seen }: Entry, names: readonly string[]): Found {
  const values = names.map((name) => (fields[name] === undefined ? undefined : Buffer.from(fields[name])))
  return { seen: Math.round(seen), values }
}

/** `done` also if the same value was written before. */
function compare(held: string | Buffer | undefined, { head }: Expected, wanted?: string | Buffer): WriteResult {
  if (held === undefined) return 'gone'
  const [text, same] = [held, wanted ?? ''].map((value) => Buffer.from(value).toString('latin1'))
  return text?.startsWith(head) || text === same ? 'done' : 'conflict'
}
