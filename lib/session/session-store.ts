import { RedisStore } from 'connect-redis'
import type { Cookie, Session, SessionData } from 'express-session'
import type { Request } from 'express'
import { ConfigurationError } from '../errors.js'
import type { Given } from './arrival.js'
import type { Login } from './login.js'
import type { Records, StoredRecord } from '../store/records.js'
import { abbreviated, isMadeFor, isStored, isStoredAs, markStored, parseBlob, serialize } from './session-blob.js'

/** `besides` starts in the tick in which the deletion of the tokens does. Tells whether there were any. */
export type DropTokens = (sid: string, besides?: () => Promise<unknown>) => Promise<boolean>

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
  /** Deletes the tokens of a session, and with them whatever is deleted besides. */
  dropTokens: DropTokens
}

const MINUTE = 60_000
/** More than looking takes. */
const LOOK = 1000
/** About 10 MB. */
const MOST_RESTING = 50_000

/**
 * connect-redis, with three differences: an established session is written only while its key exists, so that no late
 * request brings it back after logout; a session is extended at most once a minute; every call has a deadline (that of
 * {@link Records}).
 */
export class SessionStore extends RedisStore {
  readonly #parts: SessionStoreParts
  readonly #rests = new RestingSessions()
  #given: Given | undefined

  constructor(parts: SessionStoreParts) {
    assertUsableStore()
    super({ client: clientOf(parts.records), prefix: parts.prefix })
    this.#parts = parts
    // Nothing is left to do as a request ends: a session is extended when it is read. To find out whether to call it,
    // express-session would hash the session once more.
    Reflect.set(this, 'touch', undefined)
  }

  /** The session of a request, extended where that is due. */
  find(sid: string): Promise<SessionData | undefined> {
    const { records, clock } = this.#parts
    const key = this.prefix + sid
    const now = clock()
    // Of requests in parallel one looks at the time that is left, and extends for all.
    const looks = this.#rests.until(sid) <= now
    if (looks) this.#rests.set(sid, now + LOOK)
    const reading: Promise<StoredRecord | undefined> = looks ? records.readWithTtl(key) : records.read(key)
    return reading.then((found) => {
      const blob = found && parseBlob(found.value)
      if (!blob || isOver(blob.ropg, clock())) return undefined
      if (found.ttl !== undefined) this.#extendIfDue(sid, this.#idleOf(blob), found.ttl)
      return blob
    })
  }

  /** While `run` runs, the session with this id is answered from what was read, in the same tick. */
  answering(given: Given, run: () => void): void {
    this.#given = given
    try {
      run()
    } finally {
      this.#given = undefined
    }
  }

  override async get(sid: string, callback?: Callback): Promise<void> {
    if (this.#given) callback?.(null, this.#given.id === sid ? (this.#given.data ?? null) : null)
    else await answer(this.find(sid), callback)
  }

  override createSession(req: Request, blob: SessionData): Session & SessionData {
    if (blob.ropg) blob.ropg = abbreviated(blob.ropg)
    const session = super.createSession(req, blob)
    const lent = this.#given?.session
    if (lent) return takeBack(req, lent, session.cookie)
    markStored(session)
    return session
  }

  override async set(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    await answer(this.#write(sid, session), callback)
  }

  override async destroy(sid: string, callback?: Callback): Promise<void> {
    const { records, dropTokens } = this.#parts
    // The tokens too, whoever ends the session: an app may call req.session.destroy() itself.
    await answer(
      dropTokens(sid, () => records.remove(this.prefix + sid)).then(() => null),
      callback,
    )
  }

  async #write(sid: string, session: SessionData): Promise<void> {
    const { records } = this.#parts
    // Under a new id nobody would find it to revoke it: an app that keeps its data over a regenerate begins anonymous.
    if (session.ropg && isNew(session) && !isMadeFor(session.ropg, sid)) delete session.ropg
    const idle = this.#idleOf(session)
    const { blob, content } = serialize(session)
    if (isStoredAs(session, content)) return
    if (isStored(session)) await records.replace(this.prefix + sid, blob, idle)
    else await records.write(this.prefix + sid, blob, idle)
    markStored(session, content)
  }

  #extendIfDue(sid: string, idle: number, ttl: number): void {
    const now = this.#parts.clock()
    const interval = Math.min(MINUTE, idle / 2)
    const due = now + ttl - (idle - interval)
    this.#rests.set(sid, due > now ? due : now + interval)
    if (due > now) return
    // A session that could not be extended is still a session; the guard of the store has told of the failure.
    this.#parts.records.extend(this.prefix + sid, idle).catch(() => {
      this.#rests.set(sid, 0)
    })
  }

  /** Nothing of an id that was never stored needs to be deleted. */
  override regenerate(req: Request, callback: (err?: unknown) => void): void {
    const next = (err?: unknown) => {
      this.generate(req)
      callback(err)
    }
    if (isStored(req.session)) void this.destroy(req.sessionID, next)
    else next()
  }

  #idleOf(session: SessionData): number {
    return session.ropg?.idle ?? this.#parts.idle
  }

  // express-session sets it when it takes the store.
  declare generate: (req: Request) => void
}

/** Until when sessions need no extension, as far as this process knows. Bounded: what is forgotten is asked for anew. */
class RestingSessions {
  readonly #until = new Map<string, number>()

  /** Epoch milliseconds; 0 for a session that is not known. */
  until(sid: string): number {
    return this.#until.get(sid) ?? 0
  }

  set(sid: string, until: number): void {
    if (this.#until.size >= MOST_RESTING) this.#until.clear()
    this.#until.set(sid, until)
  }
}

/** A session that has been given out already gets what it lacks: its cookie. */
function takeBack(req: Request, lent: Session & SessionData, cookie: Cookie): Session & SessionData {
  Object.defineProperty(lent, 'cookie', { value: cookie, writable: true, configurable: true, enumerable: true })
  req.session = lent
  return lent
}

/** Outside of any try: what a callback throws is not for the callback to hear. */
async function answer(task: Promise<unknown>, callback?: Callback): Promise<void> {
  const [err, session] = await task.then(
    (result) => [null, result ?? null] as const,
    (reason: unknown) => [reason, null] as const,
  )
  callback?.(err, session as SessionData | null)
}

/** A session that express-session has begun; what an app has read from the store and writes back is none. */
function isNew(session: SessionData): boolean {
  return 'regenerate' in session && !isStored(session)
}

function isOver(login: Login | undefined, now: number): boolean {
  return login !== undefined && login.until <= now
}

/** connect-redis 9 and later speak only node-redis, so an override in the app's lock file must not go unseen. */
function assertUsableStore() {
  if ('normalizeClient' in RedisStore.prototype) return
  throw new ConfigurationError(
    'connect-redis must be 8.x: 9 and later cannot store through ioredis; remove the override',
  )
}
