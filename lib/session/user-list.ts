import { createHash } from 'node:crypto'
import type { Config } from '../options/options.js'
import type { Records } from '../store/records.js'
import { inBatches } from './in-batches.js'
import type { Login } from './login.js'
import type { StoredSession } from './session-vault.js'

export interface Listed extends Pick<Login, 'handle'> {
  /** Id of the session in the store. */
  id: string
}

export interface SessionListParts {
  records: Records
  prefix: string
  /** Maximum lifetime of a session in milliseconds. */
  longest: number
  peek: (id: string) => Promise<StoredSession | undefined>
}

type Begun = Login & { began?: number | undefined }
/** Later than any login, and an integer that Lua can represent. */
const FOREVER = 9e15

/** Sessions of a user, or of a session at Auth0. Being listed grants nothing. Also holds the last `revokeAll`. */
function createSessionList({ records, prefix, longest, peek }: SessionListParts) {
  const keyOf = (owner: string) => `${prefix}u:${createHash('sha256').update(owner).digest('base64url')}`
  /** Oldest first. */
  const all = async (owner: string): Promise<Listed[]> => {
    const entries = Object.entries(await records.listed(keyOf(owner)))
    entries.sort(([, a], [, b]) => parseFloat(a) - parseFloat(b))
    return entries.map(([handle, value]) => ({ handle, id: value.slice(value.indexOf(':') + 1) }))
  }
  const drop = (owner: string, handles: readonly string[]) => records.delist(keyOf(owner), handles)
  return {
    all,
    drop,
    /** Resolves to the number of sessions, or to 0 if the login began before the last `revokeAll`. */
    add: (owner: string, { handle: name, since, until, began = since }: Begun, id: string) => {
      const ttl = Math.ceil(until - since)
      // The value begins with the time, by which the oldest are found.
      return records.enlist(keyOf(owner), { name, value: `${String(since)}:${id}`, since: began, ttl })
    },
    /** Those that exist. Drops the others, so that they are looked for only once. */
    stored: async (owner: string) => {
      const looked = await inBatches(await all(owner), async (one) => ({ ...one, found: await peek(one.id) }))
      const gone = looked.flatMap(({ found, handle }) => (found ? [] : [handle]))
      await drop(owner, gone)
      return looked.filter(({ found }) => found)
    },
    /** From now on, refuses sessions of logins that began earlier. `forever`: refuses all. */
    mark: async (owner: string, forever = false) => {
      await records.mark(keyOf(owner), forever ? FOREVER : await records.now(), longest)
    },
  }
}

export type SessionListsParts = Omit<SessionListParts, 'longest'> & {
  config: Pick<Config, 'session' | 'backchannelLogout'>
}

/** The lists that contain a session: that of its user, and that of its session at Auth0. */
export function createSessionLists({ config, ...parts }: SessionListsParts) {
  const { ordinary, remembered, maxPerUser } = config.session
  const longest = Math.max(ordinary.absoluteTimeout, remembered.absoluteTimeout) * 1000
  const ofUser = createSessionList({ ...parts, longest })
  const ofSid = createSessionList({ ...parts, longest, prefix: `${parts.prefix}sid:` })
  const sidOf = ({ sid }: Login) => (config.backchannelLogout ? sid : undefined)
  return {
    ofUser,
    ofSid,
    /** Undefined if a list refuses the login, else the live sessions of the user over the limit plus `spare`. */
    add: async (login: Begun, id: string, spare = 0): Promise<Listed[] | undefined> => {
      const [sid, most] = [sidOf(login), maxPerUser + spare]
      const addedToSid = sid === undefined || ofSid.add(sid, login, id)
      const [count, countOfSid] = await Promise.all([ofUser.add(login.sub, login, id), addedToSid])
      if (!count || !countOfSid) return undefined
      const live = count > most ? await ofUser.stored(login.sub) : []
      return live.slice(0, Math.max(0, live.length - most))
    },
    drop: async (login: Login): Promise<void> => {
      const sid = sidOf(login)
      await Promise.all([ofUser.drop(login.sub, [login.handle]), sid !== undefined && ofSid.drop(sid, [login.handle])])
    },
  }
}

export type SessionLists = ReturnType<typeof createSessionLists>
