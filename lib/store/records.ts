/** A value and, where it was asked for, the milliseconds it has left to live. */
export interface StoredRecord {
  value: string
  ttl?: number
}

/** `conflict`: the value begins otherwise; `gone`: there is none. */
export type SwapResult = 'done' | 'conflict' | 'gone'

/**
 * What sessions need of a store, and all they need: each operation is atomic and concerns one key, so that Redis, Redis
 * Cluster and memory behave alike. Times to live are milliseconds. Every call rejects with `session_unavailable` when
 * the store does not answer in time.
 */
export interface Records {
  /** True where calls take effect in the order in which they were made. */
  readonly ordered: boolean
  read(key: string): Promise<StoredRecord | undefined>
  /** One round trip, as well. */
  readWithTtl(key: string): Promise<Required<StoredRecord> | undefined>
  write(key: string, value: string, ttl: number): Promise<void>
  /** Writes only while the key exists; tells whether it did. */
  replace(key: string, value: string, ttl: number): Promise<boolean>
  /** Sets the time to live of a key that exists. */
  extend(key: string, ttl: number): Promise<void>
  remove(key: string): Promise<void>
  /** Reads and removes in one step: of two callers one gets the value. */
  take(key: string): Promise<string | undefined>
  /** Writes only where nothing is; tells whether it did. */
  claim(key: string, value: string, ttl: number): Promise<boolean>
  /** Sets the time to live of a key only while it holds this value; tells whether it did. */
  renew(key: string, value: string, ttl: number): Promise<boolean>
  /** Removes the key only while it holds this value. */
  release(key: string, value: string): Promise<void>
  /** Replaces a value that begins with `head` and keeps its time to live. Saying it twice does no harm. */
  swap(key: string, head: string, value: string): Promise<SwapResult>
  /** Removes a value that begins with `head`. */
  discard(key: string, head: string): Promise<SwapResult>
  /** Adds an entry to a list, which lives at least for `ttl`; tells how many it then has. */
  enlist(key: string, entry: string, detail: { value: string; ttl: number }): Promise<number>
  /** Entry -> value. */
  listed(key: string): Promise<Record<string, string>>
  delist(key: string, entries: readonly string[]): Promise<void>
  /** Keys that begin with the prefix. Walks the whole store: for maintenance, never for a request. */
  keys(prefix: string): Promise<string[]>
  /** Rejects when the store cannot be used; does not ask one that has answered within so many milliseconds. */
  ping(within?: number): Promise<void>
  /** Closes what the package itself opened. */
  close(): Promise<void>
}
