import type { IncomingMessage } from 'node:http'
import expressSession, { type Session, type SessionData } from 'express-session'
import { abbreviated, markStored } from './session-blob.js'

/** Runs express-session for a request, unless it has run; true when it did so just now. */
export interface Waker {
  wake(req: IncomingMessage): boolean
}

/**
 * A session given out before express-session has run. While it stays as it was, there is nothing for express-session to do.
 */
export class Loan {
  readonly session: Session & SessionData
  /** As it was given out: what is nested in it is shared with what was read. */
  readonly #content: string

  constructor(req: IncomingMessage, data: SessionData, waker: Waker) {
    if (data.ropg) data.ropg = abbreviated(data.ropg)
    const { cookie: _, ...content } = data
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
  restore({ cookie, ropg }: SessionData): SessionData {
    const content = JSON.parse(this.#content) as Partial<SessionData>
    return { ...content, ...(ropg && { ropg }), cookie }
  }
}

// Its types say that only express-session may call it.
const SessionClass = expressSession.Session as unknown as new (req: object, data: object) => Session

/** On the session itself, so that a proxy of it has one, too. */
const WAKER = Symbol('waker')

/** Brings express-session to life before anything that it must know of, but for changes, which are seen in the end. */
class LentSession extends SessionClass {
  declare readonly req: IncomingMessage
  declare readonly [WAKER]: Waker

  constructor({ req, content, waker }: { req: IncomingMessage; content: object; waker: Waker }) {
    super(req, content)
    Object.defineProperty(this, WAKER, { value: waker })
    Object.defineProperty(this, 'cookie', COOKIE)
  }

  // express-session puts its own before these.
  override save(callback?: (err: unknown) => void): this {
    return wake(this) ? this.save(callback) : super.save(callback)
  }

  override reload(callback: (err: unknown) => void): this {
    return wake(this) ? this.reload(callback) : super.reload(callback)
  }
}

const COOKIE: PropertyDescriptor & ThisType<LentSession> = {
  configurable: true,
  enumerable: true,
  get() {
    return wake(this) ? this.cookie : undefined
  },
  set(value: Session['cookie']) {
    if (wake(this)) this.cookie = value
  },
}

function wake(session: LentSession): boolean {
  return session[WAKER].wake(session.req)
}

function contentOf(session: object): string {
  const content: Record<string, unknown> = {}
  for (const key of Object.keys(session)) if (key !== 'cookie') content[key] = Reflect.get(session, key)
  return JSON.stringify(content)
}
