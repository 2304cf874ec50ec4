import type { Found, Records } from '../store/records.js'
import type { Login, LoginSeal } from './login.js'

/** A session as it was found. */
export interface StoredSession {
  id: string
  /** Undefined for a visitor's session. */
  login: Login | undefined
  /** True where there is a login that this process cannot open. */
  isSealed: boolean
  /** The app's own data, as JSON. Only where it was asked for. */
  data: string | undefined
  /** Milliseconds on the clock of the store. */
  seen: number
}

/** The fields of a session's record; those of the tokens belong to the vault. */
export const LOGIN = 'l'
export const DATA = 'd'

export interface SessionRecordsParts {
  records: Records
  logins: LoginSeal
  prefix: string
  testClock: (() => number) | undefined
  /** Called when a session was extended. */
  extended: (id: string, login: Login) => void
}

const FIELDS = [LOGIN]
const FIELDS_WITH_DATA = [LOGIN, DATA]
/** About 10 MB; what is forgotten is asked for anew. */
const MOST_RESTING = 50_000

/** Finds sessions by their id, and extends them. */
export function createSessionRecords(parts: SessionRecordsParts) {
  const { records, logins, prefix, testClock, extended } = parts
  /** Session id -> when its extension is due, as far as this process knows. On a clock that nobody sets. */
  const rests = new Map<string, number>()
  const now = testClock ?? (() => performance.now())
  const keyOf = (id: string) => `${prefix}s:${id}`

  const stored = (id: string, { values: [sealed, data], seen }: Found): StoredSession => {
    const login = sealed === undefined ? undefined : logins.open(sealed, keyOf(id))
    return { id, login, data: data?.toString(), seen, isSealed: sealed !== undefined && !login }
  }
  const visit = async (id: string, names: readonly string[]) => {
    const found = await records.visit(keyOf(id), names)
    if (!found) return undefined
    if (rests.size >= MOST_RESTING) rests.clear()
    rests.set(id, now() + found.rest)
    const session = stored(id, found)
    if (found.extended && session.login) extended(id, session.login)
    return session
  }

  return {
    keyOf,
    /** Starts the idle time of the session again where that is due. */
    find: (id: string, withData = false): Promise<StoredSession | undefined> => {
      const names = withData ? FIELDS_WITH_DATA : FIELDS
      if ((rests.get(id) ?? -Infinity) <= now()) return visit(id, names)
      return records.read(keyOf(id), names).then((found) => found && stored(id, found))
    },
    /** Leaves the idle time alone. */
    peek: async (id: string) => {
      const found = await records.read(keyOf(id), FIELDS)
      return found && stored(id, found)
    },
  }
}

export type SessionRecords = ReturnType<typeof createSessionRecords>
