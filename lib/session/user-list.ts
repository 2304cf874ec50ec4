import { createHash } from 'node:crypto'
import type { Config } from '../options/options.js'
import type { Entries, Records } from '../store/records.js'
import { inBatches } from './in-batches.js'
import type { Login } from './login.js'

/** A session on the list of its user. */
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
  /** Maximum lifetime of a session in milliseconds. */
  longest: number
  /** Whether the session of this id is stored. */
  isStored: (id: string) => Promise<boolean>
}

/**
 * The list of a user's sessions. It only points to sessions, and being listed grants nothing. It also holds the time of
 * the last `revokeAll`.
 */
export function createUserList({ records, prefix, maxPerUser, longest, isStored }: UserListParts) {
  const keyOf = (sub: string) => `${prefix}u:${createHash('sha256').update(sub).digest('base64url')}`
  const drop = (sub: string, listed: readonly Pick<Listed, 'handle'>[]) =>
    records.delist(
      keyOf(sub),
      listed.map(({ handle }) => handle),
    )
  /** Drops the others from the list, so that the next login does not look for them again. */
  const stored = async (sub: string, listed: Listed[]) => {
    const found = await inBatches(listed, ({ id }) => isStored(id))
    await drop(
      sub,
      listed.filter((_, place) => !found[place]),
    )
    return listed.filter((_, place) => found[place])
  }

  return {
    /** Undefined if the login began before the last `revokeAll`, else the live sessions over the limit plus `spare`. */
    add: async ({ sub, handle, since, until }: Login, id: string, spare = 0) => {
      // Begins with the time, by which the oldest are found.
      const value = `${String(since)}:${id}`
      const most = maxPerUser + spare
      const all = await records.enlist(keyOf(sub), { name: handle, value, since, ttl: Math.ceil(until - since), most })
      if (!all) return undefined
      const listed = pointers(all)
      if (listed.length <= most) return []
      const live = await stored(sub, listed)
      return live.slice(0, Math.max(0, live.length - most))
    },
    all: async (sub: string) => pointers(await records.listed(keyOf(sub))),
    drop,
    /** From now on, refuses sessions of logins that began earlier. `forever`: refuses all. */
    mark: async (sub: string, forever = false) => {
      await records.mark(keyOf(sub), forever ? FOREVER : await records.now(), longest)
    },
  }
}

/** Later than any login, and an integer that Lua can represent. */
const FOREVER = 9e15

/** Oldest first. */
function pointers(entries: Entries): Listed[] {
  const byAge = Object.entries(entries).sort(([, a], [, b]) => parseFloat(a) - parseFloat(b))
  return byAge.map(([handle, value]) => ({ handle, id: value.slice(value.indexOf(':') + 1) }))
}

export type UserList = ReturnType<typeof createUserList>

const MOST_BY_SID = 1000

/** The lists that contain a session: that of its user, and that of its session at Auth0. */
export function createSessionLists({ config, ...parts }: Omit<UserListParts, 'maxPerUser' | 'longest'> & ListsConfig) {
  const { ordinary, remembered, maxPerUser } = config.session
  const longest = Math.max(ordinary.absoluteTimeout, remembered.absoluteTimeout) * 1000
  const ofUser = createUserList({ ...parts, maxPerUser, longest })
  // A session at Auth0 belongs to one browser, which may log in here several times.
  const ofSid = createUserList({ ...parts, prefix: `${parts.prefix}sid:`, maxPerUser: MOST_BY_SID, longest })
  const sidOf = ({ sid }: Login) => (config.backchannelLogout ? sid : undefined)
  return {
    ofUser,
    ofSid,
    /** Undefined if one of the lists refuses the login, else the sessions of the user over the limit. */
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
