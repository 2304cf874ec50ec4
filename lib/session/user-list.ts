import { createHash } from 'node:crypto'
import type { Config } from '../options/options.js'
import type { Entries, Records } from '../store/records.js'
import { inBatches } from './in-batches.js'
import type { Login } from './login.js'
import type { StoredSession } from './session-vault.js'

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
  peek: (id: string) => Promise<StoredSession | undefined>
}

/** Later than any login, and an integer that Lua can represent. */
const FOREVER = 9e15

/**
 * The list of a user's sessions. It only points to sessions, and being listed grants nothing. It also holds the time of
 * the last `revokeAll`.
 */
export function createUserList({ records, prefix, maxPerUser, longest, peek }: UserListParts) {
  const keyOf = (sub: string) => `${prefix}u:${createHash('sha256').update(sub).digest('base64url')}`
  const drop = async (sub: string, listed: readonly Pick<Listed, 'handle'>[]) => {
    const names = listed.map(({ handle }) => handle)
    await records.delist(keyOf(sub), names)
  }
  /** Drops those that are gone, so that they are looked for only once. */
  const stored = async (sub: string, listed: readonly Listed[]) => {
    const looked = await inBatches(listed, async (one) => ({ ...one, found: await peek(one.id) }))
    const gone = looked.filter(({ found }) => !found)
    await drop(sub, gone)
    return looked.filter(({ found }) => found)
  }

  return {
    /** Undefined if the login began before the last `revokeAll`, else the live sessions over the limit plus `spare`. */
    add: async ({ sub, handle, since, until }: Login, id: string, spare = 0): Promise<Listed[] | undefined> => {
      const most = maxPerUser + spare
      // Begins with the time, by which the oldest are found.
      const entry = { name: handle, value: `${String(since)}:${id}`, since, ttl: Math.ceil(until - since), most }
      const all = await records.enlist(keyOf(sub), entry)
      if (!all) return undefined
      const live = await stored(sub, oldestFirst(all))
      return live.slice(0, Math.max(0, live.length - most))
    },
    all: async (sub: string) => oldestFirst(await records.listed(keyOf(sub))),
    stored,
    drop,
    /** From now on, refuses sessions of logins that began earlier. `forever`: refuses all. */
    mark: async (sub: string, forever = false) => {
      await records.mark(keyOf(sub), forever ? FOREVER : await records.now(), longest)
    },
  }
}

function oldestFirst(entries: Entries): Listed[] {
  const byAge = Object.entries(entries).sort(([, a], [, b]) => parseFloat(a) - parseFloat(b))
  return byAge.map(([handle, value]) => ({ handle, id: value.slice(value.indexOf(':') + 1) }))
}

export type UserList = ReturnType<typeof createUserList>

const MOST_BY_SID = 1000

type ListsParts = Pick<UserListParts, 'records' | 'prefix' | 'peek'> & {
  config: Pick<Config, 'session' | 'backchannelLogout'>
}

/** The lists that contain a session: that of its user, and that of its session at Auth0. */
export function createSessionLists({ config, ...parts }: ListsParts) {
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

export type SessionLists = ReturnType<typeof createSessionLists>
