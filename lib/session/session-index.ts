import { createHash } from 'node:crypto'
import type { Login } from './login.js'
import type { Records } from '../store/records.js'

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

/** Whose sessions: those of a user, or those that began in one Auth0 session. */
export type SessionOwner = { sub: string } | { sid: string }

/** The sessions of an owner: a list of pointers. Being on it grants nothing; the session itself is the one truth. */
export interface SessionIndex {
  /** Tells how many sessions are then on the list, those that are over among them. */
  add(owner: SessionOwner, entry: Indexed): Promise<number>
  find(owner: SessionOwner): Promise<Indexed[]>
  drop(owner: SessionOwner, handles: readonly string[]): Promise<void>
}

/** Every owner of a login. */
export function ownersOf({ sub, sid }: Pick<Login, 'sub' | 'sid'>): SessionOwner[] {
  return [{ sub }, ...(sid === undefined ? [] : [{ sid }])]
}

export interface IndexParts {
  records: Records
  prefix: string
  clock: () => number
}

export function createSessionIndex({ records, prefix, clock }: IndexParts): SessionIndex {
  const keyOf = (owner: SessionOwner) => prefix + ('sub' in owner ? `u:${hash(owner.sub)}` : `i:${hash(owner.sid)}`)
  const drop = (owner: SessionOwner, handles: readonly string[]) => records.delist(keyOf(owner), handles)

  return {
    drop,
    add: (owner, entry) => {
      const ttl = Math.max(1, entry.until - clock())
      return records.enlist(keyOf(owner), entry.handle, { value: JSON.stringify(entry), ttl })
    },
    find: async (owner) => {
      const all = Object.values(await records.listed(keyOf(owner))).map((value) => JSON.parse(value) as Indexed)
      const isOver = ({ until }: Indexed) => until <= clock()
      await drop(
        owner,
        all.filter(isOver).map(({ handle }) => handle),
      )
      return all.filter((entry) => !isOver(entry))
    },
  }
}

function hash(name: string): string {
  return createHash('sha256').update(name).digest('base64url')
}
