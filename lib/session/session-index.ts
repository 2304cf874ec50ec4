import { createHash } from 'node:crypto'
import type { Records } from './records.js'

/** A session as its user's list knows it. */
export interface Indexed {
  /** Id of the session in the store. */
  id: string
  /** Public name. */
  handle: string
  /** Epoch milliseconds of the login. */
  since: number
  /** Epoch milliseconds at which it ends at the latest. */
  until: number
  /** Milliseconds without a request after which it ends. */
  idle: number
  /** True when the app's own store holds the session. */
  foreign: boolean
  ip?: string
  userAgent?: string
}

/** The sessions of a user: a list of pointers. Being on it grants nothing; the session itself is the one truth. */
export interface SessionIndex {
  add(sub: string, entry: Indexed): Promise<void>
  find(sub: string): Promise<Indexed[]>
  drop(sub: string, handles: readonly string[]): Promise<void>
}

export interface IndexParts {
  records: Records
  prefix: string
  clock: () => number
}

export function createSessionIndex({ records, prefix, clock }: IndexParts): SessionIndex {
  const keyOf = (sub: string) => `${prefix}u:${createHash('sha256').update(sub).digest('base64url')}`
  const drop = (sub: string, handles: readonly string[]) => records.delist(keyOf(sub), handles)

  return {
    drop,
    add: (sub, entry) => {
      const ttl = Math.max(1, entry.until - clock())
      return records.enlist(keyOf(sub), entry.handle, { value: JSON.stringify(entry), ttl })
    },
    find: async (sub) => {
      const all = Object.values(await records.listed(keyOf(sub))).map((value) => JSON.parse(value) as Indexed)
      const isOver = ({ until }: Indexed) => until <= clock()
      await drop(
        sub,
        all.filter(isOver).map(({ handle }) => handle),
      )
      return all.filter((entry) => !isOver(entry))
    },
  }
}
