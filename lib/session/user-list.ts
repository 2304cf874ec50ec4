import { createHash } from 'node:crypto'
import type { Records } from '../store/records.js'
import type { Login } from './login.js'

/** A session as its user's list knows it. */
export interface Listed {
  /** Public name of the session. */
  handle: string
  /** Id of the session in the store. */
  id: string
}

/**
 * The sessions of a user: a list of pointers. Being on it grants nothing; the session itself is the one truth. The list
 * also carries the mark of the last `revokeAll`.
 */
export interface UserList {
  /** Undefined where the login began before the user's sessions were revoked; else the sessions that are too many. */
  add: (login: Login, id: string) => Promise<Listed[] | undefined>
  all: (sub: string) => Promise<Listed[]>
  drop: (sub: string, handles: readonly string[]) => Promise<void>
  /** From now on, no session of a login that began before this moment can be added. */
  mark: (sub: string) => Promise<void>
}

export interface UserListParts {
  records: Records
  prefix: string
  maxPerUser: number
  /** Milliseconds that a session can live at most. */
  longest: number
}

export function createUserList({ records, prefix, maxPerUser, longest }: UserListParts): UserList {
  const keyOf = (sub: string) => `${prefix}u:${createHash('sha256').update(sub).digest('base64url')}`

  return {
    add: async ({ sub, handle, since, until }, id) => {
      // The time comes first: by it the store tells which are the oldest.
      const entry = { name: handle, value: `${String(since)}:${id}`, since, ttl: Math.ceil(until - since) }
      const tooMany = await records.enlist(keyOf(sub), { ...entry, most: maxPerUser })
      return tooMany && pointers(tooMany)
    },
    all: async (sub) => pointers(await records.listed(keyOf(sub))),
    drop: (sub, handles) => records.delist(keyOf(sub), handles),
    mark: async (sub) => {
      await records.mark(keyOf(sub), await records.now(), longest)
    },
  }
}

function pointers(entries: Readonly<Record<string, string>>): Listed[] {
  return Object.entries(entries).map(([handle, value]) => ({ handle, id: value.slice(value.indexOf(':') + 1) }))
}
