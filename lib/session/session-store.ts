import { RedisStore } from 'connect-redis'
import type { Session, SessionData } from 'express-session'
import type { Request } from 'express'
import type { Login } from './login.js'
import type { Records } from './records.js'

type Callback = (err?: unknown, session?: SessionData | null) => void

/** Whatever connect-redis asks of a client, answered by {@link Records}. */
function clientOf(records: Records) {
  return {
    del: async (keys: string[]) => Promise.all(keys.map((key) => records.remove(key))),
    mget: async (keys: string[]) => Promise.all(keys.map(async (key) => (await records.read(key))?.value ?? null)),
    scan: async (_cursor: string, _match: string, pattern: string) => ['0', await records.keys(pattern.slice(0, -1))],
  }
}

export interface SessionStoreParts {
  records: Records
  prefix: string
  /** Milliseconds that a session without a login lives. */
  idle: number
  clock: () => number
  /** Deletes the tokens of a session. */
  dropTokens: (sid: string) => Promise<void>
}

const MINUTE = 60_000

/**
 * connect-redis, with three differences: an established session is written only while its key exists, so that no late
 * request brings it back after logout; touch reaches the store at most once a minute; every call has a deadline (that
 * of {@link Records}).
 */
export class SessionStore extends RedisStore {
  readonly #parts: SessionStoreParts
  /** Sessions that the store holds -> the time to live they were read with. */
  readonly #established = new WeakMap<object, number>()
  /** Session id -> when this process last extended it, so that parallel requests extend once. */
  readonly #extended = new Map<string, number>()

  constructor(parts: SessionStoreParts) {
    super({ client: clientOf(parts.records), prefix: parts.prefix })
    this.#parts = parts
  }

  override async get(sid: string, callback?: Callback): Promise<void> {
    await answer(this.#load(sid), callback)
  }

  async #load(sid: string): Promise<SessionData | null> {
    const found = await this.#parts.records.read(this.prefix + sid)
    const blob = found && parse(found.value)
    if (!blob || isOver(blob.ropg, this.#parts.clock())) return null
    this.#established.set(blob, found.ttl)
    return blob
  }

  override createSession(req: Request, blob: SessionData): Session & SessionData {
    const session = super.createSession(req, blob)
    this.#established.set(session, this.#established.get(blob) ?? 0)
    return session
  }

  override async set(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    await answer(this.#write(sid, session), callback)
  }

  override async destroy(sid: string, callback?: Callback): Promise<void> {
    const { records, dropTokens } = this.#parts
    // The tokens too, whoever ends the session: an app may call req.session.destroy() itself.
    await answer(
      Promise.all([dropTokens(sid), records.remove(this.prefix + sid)]).then(() => null),
      callback,
    )
  }

  async #write(sid: string, session: SessionData): Promise<void> {
    const { records } = this.#parts
    const idle = this.#idleOf(session)
    if (this.#established.has(session)) {
      await records.replace(this.prefix + sid, JSON.stringify(session), idle)
      return
    }
    await records.write(this.prefix + sid, JSON.stringify(session), idle)
    this.#established.set(session, idle)
  }

  override async touch(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    const idle = this.#idleOf(session)
    if (!this.#isDue(sid, session, idle)) {
      // In the same tick: express-session holds back the end of the answer until then.
      callback?.()
      return
    }
    try {
      await this.#parts.records.extend(this.prefix + sid, idle)
    } catch {
      // A session that could not be extended is still a session; the guard of the store has told of the failure.
      this.#extended.delete(sid)
    }
    callback?.()
  }

  #isDue(sid: string, session: SessionData, idle: number): boolean {
    const now = this.#parts.clock()
    const interval = Math.min(MINUTE, idle / 2)
    if (idle - (this.#established.get(session) ?? idle) < interval) return false
    if (now - (this.#extended.get(sid) ?? 0) < interval) return false
    if (this.#extended.size >= 10_000) this.#extended.clear()
    this.#extended.set(sid, now)
    return true
  }

  /** Nothing of an id that was never stored needs to be deleted. */
  override regenerate(req: Request, callback: (err?: unknown) => void): void {
    const next = (err?: unknown) => {
      this.generate(req)
      callback(err)
    }
    if (this.#established.has(req.session)) void this.destroy(req.sessionID, next)
    else next()
  }

  #idleOf(session: SessionData): number {
    return session.ropg?.idle ?? this.#parts.idle
  }

  // express-session sets it when it takes the store.
  declare generate: (req: Request) => void
}

/** Outside of any try: what a callback throws is not for the callback to hear. */
async function answer(task: Promise<unknown>, callback?: Callback): Promise<void> {
  const [err, session] = await task.then(
    (result) => [null, result ?? null] as const,
    (reason: unknown) => [reason, null] as const,
  )
  callback?.(err, session as SessionData | null)
}

function parse(value: string): SessionData | undefined {
  try {
    const blob = JSON.parse(value) as Partial<SessionData> | null
    return blob?.cookie instanceof Object ? (blob as SessionData) : undefined
  } catch {
    return undefined
  }
}

function isOver(login: Login | undefined, now: number): boolean {
  return login !== undefined && login.until <= now
}
