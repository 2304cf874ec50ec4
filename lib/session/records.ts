/** A value and the milliseconds it has left to live. */
export interface StoredRecord {
  value: string
  ttl: number
}

/**
 * What sessions need of a store, and all they need: each operation is atomic and concerns one key, so that Redis, Redis
 * Cluster and memory behave alike. Times to live are milliseconds. Every call rejects with `session_unavailable` when
 * the store does not answer in time.
 */
export interface Records {
  /** One round trip. */
  read(key: string): Promise<StoredRecord | undefined>
  write(key: string, value: string, ttl: number): Promise<void>
  /** Writes only while the key exists; tells whether it did. */
  replace(key: string, value: string, ttl: number): Promise<boolean>
  /** Sets the time to live of a key that exists. */
  extend(key: string, ttl: number): Promise<void>
  remove(key: string): Promise<void>
  /** Reads and removes in one step: of two callers one gets the value. */
  take(key: string): Promise<string | undefined>
  /** Keys that begin with the prefix. Walks the whole store: for maintenance, never for a request. */
  keys(prefix: string): Promise<string[]>
  /** Rejects when the store cannot be used. */
  ping(): Promise<void>
  /** Closes what the package itself opened. */
  close(): Promise<void>
}
