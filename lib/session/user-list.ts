import { createHash } from 'node:crypto'
import type { Config } from '../options/options.js'
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
    drop: (sub: string, listed: readonly Pick<Listed, 'handle'>[]) =>
      records.delist(
        keyOf(sub),
        listed.map(({ handle }) => handle),
      ),
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

const MOST_BY_SID = 1000

/** The lists that a session is on: that of its user, and that of the session at Auth0 which it came from. */
export function createSessionLists({
  records,
  prefix,
  config,
}: Pick<UserListParts, 'records' | 'prefix'> & ListsConfig) {
  const { ordinary, remembered, maxPerUser } = config.session
  const longest = Math.max(ordinary.absoluteTimeout, remembered.absoluteTimeout) * 1000
  const ofUser = createUserList({ records, prefix, maxPerUser, longest })
  // Several browsers of a user never share a session at Auth0, but one may log in here again and again.
  const ofSid = createUserList({ records, prefix: `${prefix}sid:`, maxPerUser: MOST_BY_SID, longest })
  const sidOf = ({ sid }: Login) => (config.backchannelLogout ? sid : undefined)
  return {
    ofUser,
    ofSid,
    /** Undefined where a mark refuses the login; else the sessions of the user that are too many. */
    add: async (login: Login, id: string, spare = 0): Promise<Listed[] | undefined> => {
      const sid = sidOf(login)
      const added = sid === undefined || ofSid.add({ ...login, sub: sid }, id)
      const [tooMany, isWelcome] = await Promise.all([ofUser.add(login, id, spare), added])
      return isWelcome ? tooMany : undefined
    },
    drop: async (login: Login): Promise<void> => {
      const sid = sidOf(login)
      await Promise.all([ofUser.drop(login.sub, [login]), sid !== undefined && ofSid.drop(sid, [login])])
    },
  }
}

interface ListsConfig {
  config: Pick<Config, 'session' | 'backchannelLogout'>
}

export type SessionLists = ReturnType<typeof createSessionLists>
