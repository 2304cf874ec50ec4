import { createHash } from 'node:crypto'
import type { Entries, Records } from '../store/records.js'
import type { Login } from './login.js'

/** A session as its user's list knows it. */
export interface Listed {
  /** Public name of the session. */
  handle: string
  /** Id of the session in the store. */
  id: string
}

export interface UserListParts {
  records: Records
  prefix: string
  maxPerUser: number
  /** Milliseconds that a session can live at most. */
  longest: number
}

/**
 * The sessions of a user: a list of pointers. Being on it grants nothing; the session itself is the one truth. The list
 * also carries the mark of the last `revokeAll`.
 */
export function createUserList({ records, prefix, maxPerUser, longest }: UserListParts) {
  const keyOf = (sub: string) => `${prefix}u:${createHash('sha256').update(sub).digest('base64url')}`

  return {
    /** Undefined where the login began before the mark; else the sessions that are too many, `spare` not counted. */
    add: async ({ sub, handle, since, until }: Login, id: string, spare = 0) => {
      // The time comes first: by it the store tells which are the oldest.
      const value = `${String(since)}:${id}`
      const most = maxPerUser + spare
      const all = await records.enlist(keyOf(sub), { name: handle, value, since, ttl: Math.ceil(until - since), most })
      return all && pointers(oldest(all, most))
    },
    all: async (sub: string) => pointers(await records.listed(keyOf(sub))),
    drop: (sub: string, handles: readonly string[]) => records.delist(keyOf(sub), handles),
    /** From now on, no session of a login that began before this moment can be added; `forever`: none at all. */
    mark: async (sub: string, forever = false) => {
      await records.mark(keyOf(sub), forever ? FOREVER : await records.now(), longest)
    },
  }
}

/** Later than any login, and still a whole number for Redis. */
const FOREVER = 9e15

/** The entries beyond the limit, by the time at the beginning of their value. */
function oldest(entries: Entries, most: number): Entries {
  const byAge = Object.entries(entries).sort(([, a], [, b]) => parseFloat(a) - parseFloat(b))
  return Object.fromEntries(byAge.slice(0, Math.max(0, byAge.length - most)))
}

function pointers(entries: Entries): Listed[] {
  return Object.entries(entries).map(([handle, value]) => ({ handle, id: value.slice(value.indexOf(':') + 1) }))
}

export type UserList = ReturnType<typeof createUserList>
