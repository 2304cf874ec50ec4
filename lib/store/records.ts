/** Field -> value. Encrypted values are bytes, because text would take a third more memory. */
export type Fields = Readonly<Record<string, string | Buffer>>

/** The values of the fields that were asked for, in that order. */
export type Values = readonly (Buffer | undefined)[]

/** Name -> value of the entries of a list. */
export type Entries = Readonly<Record<string, string>>

/** How long a record lives, in milliseconds on the clock of the store: without a visit, and in all (default: no limit). */
export interface Lifetime {
  idle: number
  absolute?: number
}

export interface Found {
  values: Values
  /** Milliseconds on the clock of the store, to the minute. */
  seen: number
}

/** A record whose idle time was started again if that was due; `rest`: milliseconds until it is due next. */
export interface Visited extends Found {
  rest: number
  extended: boolean
}

/** `conflict`: the field begins otherwise; `gone`: there is no record, or no such field. */
export type WriteResult = 'done' | 'conflict' | 'gone'

/** A condition: the field begins with `head`. */
export interface Expected {
  field: string
  head: string
}

export interface ListEntry {
  name: string
  value: string
  /** On the clock of the store; an entry from before the list's mark is refused. */
  since: number
  /** Minimum lifetime of the list in milliseconds. */
  ttl: number
  /** A list with more entries than this is reported. */
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
  /** Writes fields only while the record exists and is as expected. Repeating it does no harm. */
  write(key: string, fields: Fields, expected?: Expected): Promise<WriteResult>
  /** Reads and deletes in one step what is as expected: of two callers one gets the values. */
  end(key: string, names: readonly string[], expected?: Expected): Promise<Values | 'conflict' | undefined>

  /** Adds an entry unless it is there; undefined where the mark refuses it. Resolves to all entries if they are too many. */
  enlist(key: string, entry: ListEntry): Promise<Entries | undefined>
  listed(key: string): Promise<Entries>
  delist(key: string, names: readonly string[]): Promise<void>
  /** From now on the list refuses entries from before `since`. */
  mark(key: string, since: number, ttl: number): Promise<void>

  /** Writes only if the key does not exist. Resolves to whether it did. */
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

/** Entry of a list that is not one of its own: when its user's sessions were revoked last. */
export const MARK = '!'
