import type { Request } from 'express'
import { RedisStore } from 'connect-redis'
import type { Session, SessionData } from 'express-session'
import { ConfigurationError } from '../errors.js'
import type { Fields, Lifetime, Records } from '../store/records.js'
import type { Login } from './login.js'
import { DATA, type EarlyTokens, type SessionRecords } from './session-records.js'

declare module 'express-session' {
  interface SessionData {
    /** Public handle of the login, as `req.auth.sessionId`; set by express-auth0-ropg. It proves nothing. */
    ropg?: string
  }
}

type Callback = (err?: unknown, session?: SessionData | null) => void

/** What a login stores beside the app's data. */
export interface NewLoginRecord {
  login: Login
  fields: Fields
  life: Lifetime
}

export interface SessionStoreParts {
  records: Records
  sessions: SessionRecords
  /** Of a visitor's session. */
  visitor: Lifetime
  /** Ends a session, login and tokens included. */
  end: (id: string) => Promise<unknown>
}

/** What is known of a session that is stored. */
interface Known {
  login: Login | undefined
  tokens?: EarlyTokens
  /** The app's data, where this request wrote them. */
  json?: string
}

/**
 * connect-redis on the field of a session's record that is the app's. An established session is written only while it
 * exists, so that no late request brings it back after logout, and every call has a deadline (that of {@link Records}).
 */
export class SessionStore extends RedisStore {
  readonly #parts: SessionStoreParts
  readonly #known = new WeakMap<SessionData, Known>()

  constructor(parts: SessionStoreParts) {
    assertUsable()
    super({ client: unused, prefix: '' })
    this.#parts = parts
    // A session is extended when it is read. With a touch method, express-session would hash it once more.
    Reflect.set(this, 'touch', undefined)
  }

  /** What is stored of a request's session; undefined for one that express-session has made and nobody has written to. */
  knownOf(session: SessionData): Readonly<Known> | undefined {
    return this.#known.get(session)
  }

  /** Stores a session for the first time, with a login. */
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
    // What cannot be opened may be a copy of another user's.
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
    // express-session saves a new session once more as the request ends.
    else if (known.json !== json) await records.write(key, { [DATA]: json })
    this.#known.set(session, { login: known?.login, json })
    return null
  }
}

/** The browser keeps the cookie that it has: without an expiry express-session never sends it anew. */
const NO_EXPIRY = { originalMaxAge: null }

/** For what connect-redis offers beyond a request's own session: listing all sessions, say. */
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

/** What a callback throws is not for the callback to hear. */
function answer(task: Promise<SessionData | null>, callback: Callback = () => undefined): Promise<void> {
  return task.then((session) => {
    callback(null, session)
  }, callback)
}

/** connect-redis 9 and later speak only node-redis, so an override in the app's lock file must not go unseen. */
function assertUsable() {
  if ('normalizeClient' in RedisStore.prototype) return
  throw new ConfigurationError(
    'connect-redis must be 8.x: 9 and later cannot store through ioredis; remove the override',
  )
}
