/** Field -> value. What is sealed is bytes: as text it would take a third more room. */
export type Fields = Readonly<Record<string, string | Buffer>>

/** The values of the fields that were asked for, in that order. */
export type Values = readonly (Buffer | undefined)[]

/** Name -> value of the entries of a list. */
export type Entries = Readonly<Record<string, string>>

/** How long a record lives, in milliseconds, on the clock of the store. */
export interface Lifetime {
  /** Without a visit. */
  idle: number
  /** In all. Default: no limit. */
  absolute?: number
}

/** A record that was read. */
export interface Found {
  values: Values
  /** Milliseconds on the clock of the store, to the minute. */
  seen: number
}

/** A record whose time was extended if that was due. */
export interface Visited extends Found {
  /** Milliseconds until the next extension is due. */
  rest: number
  extended: boolean
}

/** `conflict`: the field begins otherwise; `gone`: there is no record. */
export type SwapResult = 'done' | 'conflict' | 'gone'

/** A condition: the field begins with `head`. */
export interface Expected {
  field: string
  head: string
}

/** An entry of a list. */
export interface ListEntry {
  name: string
  value: string
  /** On the clock of the store; an entry from before the list's mark is refused. */
  since: number
  /** Milliseconds that the list lives at least. */
  ttl: number
  /** Entries; what exceeds them is reported, oldest first. */
  most: number
}

/**
 * What sessions need of a store. Each operation is atomic and concerns one key, so that Redis, Redis Cluster and memory
 * behave alike. Every call rejects with `session_unavailable` when the store does not answer in time.
 */
export interface Records {
  /** True where calls take effect in the order in which they were made. */
  readonly ordered: boolean
  /** Milliseconds on the clock that all processes share, to the microsecond. */
  now(): Promise<number>

  /** Writes a record under a key that nobody has used. */
  create(key: string, fields: Fields, life: Lifetime): Promise<void>
  read(key: string, names: readonly string[]): Promise<Found | undefined>
  /** Reads, and starts the idle time again: at most once a minute, or in half of it, over all processes. */
  visit(key: string, names: readonly string[]): Promise<Visited | undefined>
  /** Writes fields only while the record exists; resolves to whether it did. */
  put(key: string, fields: Fields): Promise<boolean>
  /** Writes fields only over what was expected. Repeating it does no harm. */
  swap(key: string, expected: Expected, fields: Fields): Promise<SwapResult>
  /** Reads and deletes in one step: of two callers one gets the values. */
  end(key: string, names: readonly string[]): Promise<Values | undefined>
  /** Deletes only what was expected. */
  discard(key: string, expected: Expected): Promise<SwapResult>

  /** Adds an entry unless it is there. Resolves to the entries that exceed the limit, or to undefined if refused. */
  enlist(key: string, entry: ListEntry): Promise<Entries | undefined>
  listed(key: string): Promise<Entries>
  delist(key: string, names: readonly string[]): Promise<void>
  /** From now on the list refuses entries from before `since`. */
  mark(key: string, since: number, ttl: number): Promise<void>

  /** Writes only where nothing is; resolves to whether it did. */
  claim(key: string, value: string, ttl: number): Promise<boolean>
  /** Sets the time to live of a key only while it holds this value; resolves to whether it did. */
  renew(key: string, value: string, ttl: number): Promise<boolean>
  /** Removes the key only while it holds this value. */
  release(key: string, value: string): Promise<void>

  /** Closes what the package itself opened. */
  close(): Promise<void>
}

const MINUTE = 60_000

/** Milliseconds between two extensions of a record. */
export function restOf(idle: number): number {
  return Math.min(MINUTE, idle / 2)
}
