import type { Found, Records } from '../store/records.js'
import type { Login, LoginSeal } from './login.js'

/** A session as read from the store. */
export interface StoredSession {
  id: string
  /** Undefined if nobody is logged in. */
  login: Login | undefined
  /** True if there is a login that this process cannot decrypt. */
  isSealed: boolean
  tokens: EarlyTokens
  /** The app's own data, as JSON. */
  data: Buffer | undefined
  /** Milliseconds on the clock of the store. */
  seen: number
}

/** The encrypted tokens as read along with the session, for the first caller in the same turn of the event loop. */
export type EarlyTokens = () => Buffer | undefined

/** A session with a login. */
export interface Live {
  id: string
  login: Login
  tokens?: EarlyTokens | undefined
}

/** The fields of a session's record. */
export const LOGIN = 'l'
export const TOKENS = 't'
export const DATA = 'd'

export interface SessionRecordsParts {
  records: Records
  logins: LoginSeal
  prefix: string
  testClock: (() => number) | undefined
  /** Called after a session has been extended. */
  extended: (id: string, login: Login) => void
}

/** About 10 MB. Forgetting an entry costs nothing but a script in place of a read. */
const MOST_REMEMBERED = 50_000

/** Finds sessions by id, and extends their idle time. */
export function createSessionRecords({ records, logins, prefix, testClock, extended }: SessionRecordsParts) {
  /** Session id -> when its next extension is due, on the monotonic clock. */
  const restsUntil = new Map<string, number>()
  const now = testClock ?? (() => performance.now())
  const keyOf = (id: string) => `${prefix}s:${id}`

  const opened = (id: string, { values: [sealed, tokens, data], seen }: Found): StoredSession => {
    const login = sealed && logins.open(sealed, keyOf(id))
    return { id, login, isSealed: sealed !== undefined && !login, tokens: early(tokens), data, seen }
  }
  const read = (id: string, names: readonly string[]) =>
    records.read(keyOf(id), names).then((found) => found && opened(id, found))
  const visit = async (id: string) => {
    const found = await records.visit(keyOf(id), ALL)
    if (!found) return undefined
    if (restsUntil.size >= MOST_REMEMBERED) restsUntil.clear()
    restsUntil.set(id, now() + found.rest)
    const session = opened(id, found)
    if (found.extended && session.login) extended(id, session.login)
    return session
  }

  return {
    keyOf,
    /** Also restarts the idle time if that is due. */
    find: (id: string) => (now() < (restsUntil.get(id) ?? -Infinity) ? read(id, ALL) : visit(id)),
    /** Only the login. Does not restart the idle time. */
    peek: (id: string) => read(id, [LOGIN]),
    /** Whether there is such a session. Decrypts nothing. */
    isStored: async (id: string) => (await records.read(keyOf(id), [LOGIN])) !== undefined,
  }
}

const ALL = [LOGIN, TOKENS, DATA]

/** Later turns read the tokens again, because a logout or a refresh may have happened in between. */
function early(value: Buffer | undefined): EarlyTokens {
  let left = value
  setImmediate(() => {
    left = undefined
  })
  return () => {
    const taken = left
    left = undefined
    return taken
  }
}

export type SessionRecords = ReturnType<typeof createSessionRecords>
