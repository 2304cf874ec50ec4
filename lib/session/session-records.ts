import type { Found, Records } from '../store/records.js'
import type { Login, LoginSeal } from './login.js'

/** A session as it was found. */
export interface StoredSession {
  id: string
  /** Undefined for a visitor's session. */
  login: Login | undefined
  /** True where there is a login that this process cannot open. */
  isSealed: boolean
  tokens: EarlyTokens
  /** The app's own data, as JSON. */
  data: Buffer | undefined
  /** Milliseconds on the clock of the store. */
  seen: number
}

/** What the vault had sealed when the session was found: for the first who asks in the same turn of the event loop. */
export type EarlyTokens = () => Buffer | undefined

/** A session that lives. */
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
  /** Called when a session was extended. */
  extended: (id: string, login: Login) => void
}

/** About 10 MB; what is forgotten is asked for anew. */
const MOST_REMEMBERED = 50_000

/** Finds sessions by their id, and extends them. */
export function createSessionRecords({ records, logins, prefix, testClock, extended }: SessionRecordsParts) {
  /** Session id -> when its extension is due, on a clock that nobody sets. */
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
    /** Starts the idle time of the session again where that is due. */
    find: (id: string) => (now() < (restsUntil.get(id) ?? -Infinity) ? read(id, ALL) : visit(id)),
    /** Only its login. Leaves the idle time alone. */
    peek: (id: string) => read(id, [LOGIN]),
  }
}

const ALL = [LOGIN, TOKENS, DATA]

/** In the same turn nothing can have come between: later a logout or a refresh may have, and the tokens are read anew. */
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
