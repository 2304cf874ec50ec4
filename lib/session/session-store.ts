import type { Request } from 'express'
import { RedisStore } from 'connect-redis'
import type { Session, SessionData } from 'express-session'
import { ConfigurationError } from '../errors.js'
import type { Fields, Lifetime, Records } from '../store/records.js'
import type { Login } from './login.js'
import { DATA, type EarlyTokens, type SessionRecords } from './session-records.js'

declare module 'express-session' {
  interface SessionData {
    /** Same as `req.auth.sessionId`. Set by express-auth0-ropg. No proof of a login. */
    ropg?: string
  }
}

type Callback = (err?: unknown, session?: SessionData | null) => void

/** What a login stores in addition to the app's data. */
export interface NewLoginRecord {
  login: Login
  fields: Fields
  life: Lifetime
}

export interface SessionStoreParts {
  records: Records
  sessions: SessionRecords
  /** Lifetime of a session without a login. */
  visitor: Lifetime
  /** Ends a session with its login and tokens. */
  end: (id: string) => Promise<unknown>
}

/** What is known about a stored session. */
interface Known {
  login: Login | undefined
  tokens?: EarlyTokens
  /** The app's data as this request last wrote it. */
  json?: string
}

/**
 * connect-redis for the data field of a session's record. A session is only written while it exists, so a late request
 * cannot bring it back after logout. Every call has the deadline of {@link Records}.
 */
export class SessionStore extends RedisStore {
  readonly #parts: SessionStoreParts
  readonly #known = new WeakMap<SessionData, Known>()

  constructor(parts: SessionStoreParts) {
    assertUsable()
    super({ client: unused, prefix: '' })
    this.#parts = parts
    // Reading extends a session. A touch method would make express-session hash it once more.
    Reflect.set(this, 'touch', undefined)
  }

  /** Undefined for a session that has never been stored. */
  knownOf(session: SessionData): Readonly<Known> | undefined {
    return this.#known.get(session)
  }

  /** Stores a new session with a login. */
  async create(id: string, session: SessionData, { login, fields, life }: NewLoginRecord): Promise<void> {
    const { records, sessions } = this.#parts
    const json = JSON.stringify(dataOf(session))
    this.#known.set(session, { login, json })
    await records.create(sessions.keyOf(id), { ...fields, [DATA]: json }, life)
  }

  override async get(id: string, callback?: Callback): Promise<void> {
    await answer(this.#find(id), callback)
  }

  override createSession(req: Request, data: SessionData): Session & SessionData {
    const session = super.createSession(req, data)
    const known = this.#known.get(data)
    if (known) this.#known.set(session, known)
    return session
  }

  override async set(id: string, session: SessionData, callback?: Callback): Promise<void> {
    await answer(this.#write(id, session), callback)
  }

  override async destroy(id: string, callback?: Callback): Promise<void> {
    await answer(
      this.#parts.end(id).then(() => null),
      callback,
    )
  }

  async #find(id: string): Promise<SessionData | null> {
    const found = await this.#parts.sessions.find(id)
    // A session that cannot be decrypted may be a copy of another user's.
    if (!found || found.isSealed) return null
    const data = Object.assign(parsedData(found.data), { cookie: NO_EXPIRY }) as SessionData
    this.#known.set(data, { login: found.login, tokens: found.tokens })
    return data
  }

  async #write(id: string, session: SessionData): Promise<null> {
    const { records, sessions, visitor } = this.#parts
    const json = JSON.stringify(dataOf(session))
    const key = sessions.keyOf(id)
    const known = this.#known.get(session)
    if (!known) await records.create(key, { [DATA]: json }, visitor)
    // express-session saves a new session again when the request ends.
    else if (known.json !== json) await records.write(key, { [DATA]: json })
    this.#known.set(session, { login: known?.login, json })
    return null
  }
}

/** Without an expiry, express-session does not send the cookie again. */
const NO_EXPIRY = { originalMaxAge: null }

/** For methods of connect-redis such as all() and clear(). */
const unused = {
  scan: () => Promise.reject(new ConfigurationError('sessions cannot be listed through the store: use auth.sessions')),
}

/** The app's own data of a session. */
export function dataOf(session: SessionData): Partial<SessionData> {
  return Object.fromEntries(Object.entries(session).filter(([key]) => key !== 'cookie'))
}

export function parsedData(json: Buffer | undefined): Partial<SessionData> {
  try {
    return Object(JSON.parse(json?.toString() ?? '{}')) as Partial<SessionData>
  } catch {
    return {}
  }
}

/** The callback is called once, even if it throws. */
function answer(task: Promise<SessionData | null>, callback: Callback = () => undefined): Promise<void> {
  return task.then((session) => {
    callback(null, session)
  }, callback)
}

/** connect-redis 9 and later do not work with ioredis, and an app can override the version. */
function assertUsable() {
  if ('normalizeClient' in RedisStore.prototype) return
  throw new ConfigurationError(
    'connect-redis must be 8.x: 9 and later cannot store through ioredis; remove the override',
  )
}
