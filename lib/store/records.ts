/** Field -> value. Encrypted values are bytes, because text would need a third more memory. */
export type Fields = Readonly<Record<string, string | Buffer>>

/** Values in the order of the requested fields. */
export type Values = readonly (Buffer | undefined)[]

export type Entries = Readonly<Record<string, string>>

/** Lifetime of a record in milliseconds: without a visit, and in total. Default of `absolute`: unlimited. */
export interface Lifetime {
  idle: number
  absolute?: number
}

export interface Found {
  values: Values
  /** Last visit, in milliseconds on the store's clock, to the minute. */
  seen: number
}

/** A record after a visit. `extended`: its idle time was restarted. `rest`: milliseconds until that is due next. */
export interface Visited extends Found {
  rest: number
  extended: boolean
}

/** `conflict`: the condition is not met. `gone`: there is no such record or field. */
export type Refused = 'conflict' | 'gone'
export type WriteResult = 'done' | Refused

/** A condition: the field begins with `head`. */
export interface Expected {
  field: string
  head: string
}

export interface ListEntry {
  name: string
  value: string
  /** Milliseconds on the store's clock. Entries from before the mark are refused. */
  since: number
  /** Minimum lifetime of the list in milliseconds. */
  ttl: number
}

/** Each operation is atomic and concerns one key. It rejects with `session_unavailable` if there is no answer. */
export interface Records {
  /** True if calls take effect in the order in which they were made. Different nodes of a Cluster keep no order. */
  readonly ordered: boolean
  /** Milliseconds on the clock shared by all processes, to the microsecond. */
  now(): Promise<number>

  create(key: string, fields: Fields, life: Lifetime): Promise<void>
  read(key: string, names: readonly string[]): Promise<Found | undefined>
  /** Reads, and restarts the idle time at most once a minute, or in half the idle time, across all processes. */
  visit(key: string, names: readonly string[]): Promise<Visited | undefined>
  /** Writes fields only if the record exists and meets the condition. Can be repeated safely. */
  write(key: string, fields: Fields, expected?: Expected): Promise<WriteResult>
  /** Reads and deletes a record that meets the condition. Only one of two callers gets the values. */
  end(key: string, names: readonly string[], expected?: Expected): Promise<Values | Refused>

  /** Adds an entry, unless it exists. Resolves to the number of entries, or to 0 if the mark refuses it. */
  enlist(key: string, entry: ListEntry): Promise<number>
  listed(key: string): Promise<Entries>
  delist(key: string, names: readonly string[]): Promise<void>
  /** From now on, the list refuses entries from before `since`. */
  mark(key: string, since: number, ttl: number): Promise<void>

  /** Writes only if the key does not exist. Resolves to whether it has written. */
  claim(key: string, value: string, ttl: number): Promise<boolean>
  /** Sets the lifetime of a key only if it has this value. Resolves to whether it has. With 0, the key is removed. */
  renew(key: string, value: string, ttl: number): Promise<boolean>

  /** Closes connections that the package has opened. */
  close(): Promise<void>
}

/** The condition that there is a record: each has a last-seen time. */
export const EXISTS: Expected = { field: 's', head: '' }

/** Name of the list entry with the time of the last revocation. */
export const MARK = '!'
