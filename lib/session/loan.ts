import type { IncomingMessage } from 'node:http'
import expressSession, { type Session, type SessionData } from 'express-session'
import { abbreviated, markStored } from './session-blob.js'

/** Runs express-session for a request, unless it has run; true when it did so just now. */
export interface Waker {
  wake(): boolean
}

/**
 * A session given out before express-session has run. While it stays as it was, there is nothing for express-session to do.
 */
export class Loan {
  readonly session: Session & SessionData
  readonly #data: SessionData
  /** As it was given out: what is nested in it is shared with what was read. */
  readonly #content: string

  constructor(req: IncomingMessage, data: SessionData, waker: Waker) {
    if (data.ropg) data.ropg = abbreviated(data.ropg)
    const { cookie: _, ...content } = data
    this.#data = data
    this.#content = JSON.stringify(content)
    this.session = new LentSession({ req, content, waker })
    markStored(this.session)
  }

  isAsItWas(): boolean {
    try {
      return contentOf(this.session) === this.#content
    } catch {
      // What is no JSON is for express-session to complain about.
      return false
    }
  }

  /** The data as they were. */
  restore(): SessionData {
    const { cookie, ropg } = this.#data
    const content = JSON.parse(this.#content) as Partial<SessionData>
    return { ...content, ...(ropg && { ropg }), cookie }
  }
}

// Its types say that only express-session may call it.
const SessionClass = expressSession.Session as unknown as new (req: IncomingMessage, data: object) => Session

/** On the session itself, so that a proxy of it has one, too. */
const WAKER = Symbol('waker')

/** Brings express-session to life before anything that it must know of, but for changes, which are seen in the end. */
class LentSession extends SessionClass {
  declare readonly [WAKER]: Waker

  constructor({ req, content, waker }: { req: IncomingMessage; content: object; waker: Waker }) {
    super(req, content)
    Object.defineProperty(this, WAKER, { value: waker })
    Object.defineProperty(this, 'cookie', COOKIE)
  }

  // express-session puts its own before these.
  override save(callback?: (err: unknown) => void): this {
    return this[WAKER].wake() ? this.save(callback) : super.save(callback)
  }

  override reload(callback: (err: unknown) => void): this {
    return this[WAKER].wake() ? this.reload(callback) : super.reload(callback)
  }
}

/** Until express-session has run, which puts a real one in its place. */
const COOKIE: PropertyDescriptor & ThisType<LentSession> = {
  configurable: true,
  enumerable: true,
  get() {
    if (!this[WAKER].wake()) throw new Error(NOT_TAKEN_BACK)
    return this.cookie
  },
  set(value: Session['cookie']) {
    if (!this[WAKER].wake()) throw new Error(NOT_TAKEN_BACK)
    this.cookie = value
  },
}

const NOT_TAKEN_BACK = 'express-session has found another session for this request'

function contentOf(session: object): string {
  const content: Record<string, unknown> = {}
  for (const key of Object.keys(session)) if (key !== 'cookie') content[key] = Reflect.get(session, key)
  return JSON.stringify(content)
}
