import type { Request } from 'express'
import { RedisStore } from 'connect-redis'
import type { Session, SessionData } from 'express-session'
import { ConfigurationError } from '../errors.js'
import type { Lifetime } from '../store/records.js'
import type { Login } from './login.js'
import type { EarlyTokens, NewSession, SessionVault } from './session-vault.js'

declare module 'express-session' {
  interface SessionData {
    /** Same as `req.auth.sessionId`. Set by express-auth0-ropg. No proof of a login. */
    ropg?: string
  }
}

type Callback = (err?: unknown, session?: SessionData | null) => void

export interface SessionStoreParts {
  vault: SessionVault
  /** Lifetime of a session without a login. */
  visitor: Lifetime
  end: (id: string) => Promise<unknown>
}

/** What is known about a stored session. */
interface Known {
  login?: Login | undefined
  tokens?: EarlyTokens | undefined
  /** The app's data as this request last wrote it. */
  json?: string
}

/** connect-redis for the data of an app. Writes only while the session exists, so that a logout is final. */
export class SessionStore extends RedisStore {
  readonly #parts: SessionStoreParts
  readonly #known = new WeakMap<SessionData, Known>()

  constructor(parts: SessionStoreParts) {
    // An app can override the version.
    if (!('normalizeClient' in RedisStore.prototype)) throw new ConfigurationError(WRONG_VERSION)
    super({ client: unused, prefix: '' })
    this.#parts = parts
    // Reading extends a session. A touch method would make express-session hash it once more.
    Reflect.set(this, 'touch', undefined)
  }

  /** Undefined for a session that has never been stored. */
  knownOf(session: SessionData): Readonly<Known> | undefined {
    return this.#known.get(session)
  }

  async create(id: string, session: SessionData, created: NewSession): Promise<void> {
    const json = JSON.stringify(dataOf(session))
    await this.#parts.vault.create(id, json, created)
    this.#known.set(session, { login: created.fresh?.login, json })
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
    const ended = this.#parts.end(id).then(() => null)
    await answer(ended, callback)
  }

  async #find(id: string): Promise<SessionData | null> {
    const found = await this.#parts.vault.find(id)
    if (!found) return null
    // Without an expiry, express-session does not send the cookie again.
    const data = Object.assign(parsedData(found.data), { cookie: { originalMaxAge: null } }) as SessionData
    this.#known.set(data, { login: found.login, tokens: found.tokens })
    return data
  }

  async #write(id: string, session: SessionData): Promise<null> {
    const known = this.#known.get(session)
    const json = JSON.stringify(dataOf(session))
    if (!known) await this.create(id, session, { life: this.#parts.visitor })
    // express-session saves a new session again when the request ends.
    else if (known.json !== json) await this.#parts.vault.save(id, json)
    this.#known.set(session, { login: known?.login, json })
    return null
  }
}

const WRONG_VERSION = 'connect-redis must be 8.x: 9 and later cannot store through ioredis; remove the override'

/** For methods of connect-redis such as all() and clear(). */
const unused = {
  scan: () => Promise.reject(new ConfigurationError('sessions cannot be listed through the store: use auth.sessions')),
}

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
