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
  /** What the vault has sealed, where it was read along. */
  tokens: EarlyTokens | undefined
  /** Milliseconds on the clock of the store. */
  seen: number
}

/** Tokens as they were when the session was found: for the first who asks in the same turn of the event loop. */
export type EarlyTokens = () => Buffer | undefined

/** A session that lives. */
export interface Live {
  id: string
  login: Login
  tokens?: EarlyTokens | undefined
}

/** The fields of a session's record. */
export const LOGIN = 'l'
export const DATA = 'd'
export const TOKENS = 't'

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
const FIELDS_WITH_TOKENS = [LOGIN, TOKENS]
/** Milliseconds after a use of its tokens in which those of a session are read along. */
const TOKENS_EXPECTED = 10_000
/** About 10 MB; what is forgotten is asked for anew. */
const MOST_REMEMBERED = 50_000

/** Finds sessions by their id, and extends them. */
export function createSessionRecords(parts: SessionRecordsParts) {
  const { records, logins, prefix, testClock, extended } = parts
  const remembered = new Map<string, Remembered>()
  const now = testClock ?? (() => performance.now())
  const keyOf = (id: string) => `${prefix}s:${id}`

  const stored = (id: string, names: readonly string[], { values: [sealed, other], seen }: Found): StoredSession => {
    const login = sealed && logins.open(sealed, keyOf(id))
    return { id, login, seen, isSealed: sealed !== undefined && !login, ...besides(names, other) }
  }
  const read = (id: string, names: readonly string[]) =>
    records.read(keyOf(id), names).then((found) => found && stored(id, names, found))
  const visit = async (id: string, names: readonly string[]) => {
    const found = await records.visit(keyOf(id), names)
    if (!found) return undefined
    if (remembered.size >= MOST_REMEMBERED) remembered.clear()
    remembered.set(id, { restsUntil: now() + found.rest, tokensUntil: remembered.get(id)?.tokensUntil ?? 0 })
    const session = stored(id, names, found)
    if (found.extended && session.login) extended(id, session.login)
    return session
  }

  return {
    keyOf,
    /** Starts the idle time of the session again where that is due. */
    find: (id: string, withData = false): Promise<StoredSession | undefined> => {
      const known = remembered.get(id)
      const withTokens = known !== undefined && performance.now() < known.tokensUntil
      const names = withData ? FIELDS_WITH_DATA : withTokens ? FIELDS_WITH_TOKENS : FIELDS
      return known && now() < known.restsUntil ? read(id, names) : visit(id, names)
    },
    /** Its next requests will ask for its tokens, too. */
    expectTokens: (id: string) => {
      const known = remembered.get(id)
      if (known) known.tokensUntil = performance.now() + TOKENS_EXPECTED
    },
    /** Leaves the idle time alone. */
    peek: (id: string) => read(id, FIELDS),
  }
}

function besides(names: readonly string[], value: Buffer | undefined): Pick<StoredSession, 'data' | 'tokens'> {
  return {
    data: names === FIELDS_WITH_DATA ? value?.toString() : undefined,
    tokens: names === FIELDS_WITH_TOKENS ? early(value) : undefined,
  }
}

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

/** What this process knows of a session, on a clock that nobody sets. */
interface Remembered {
  /** When its extension is due. */
  restsUntil: number
  tokensUntil: number
}

export type SessionRecords = ReturnType<typeof createSessionRecords>
