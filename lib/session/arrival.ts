import type { Session, SessionData } from 'express-session'
import type { IncomingMessage } from 'node:http'
import type { Answer, Gates, Keeper, Late } from './gates.js'
import { Loan, type Waker } from './loan.js'

/** A request as far as sessions are concerned. */
export type SessionRequest = IncomingMessage & { session?: Session & Partial<SessionData>; sessionID?: string }

/** What a request came with, read once. */
export interface Found {
  /** Session id of a genuine cookie. */
  id: string | undefined
  /** The session as it was read; undefined when there is none any more. */
  data: SessionData | undefined
}

/** What express-session is to find in the store. */
export interface Given extends Found {
  /** Was given out already, for the same data. */
  session?: (Session & SessionData) | undefined
}

/** Runs express-session in this tick; throws what it fails with. */
export type Mount = (req: SessionRequest, res: Answer, given: Given) => void

export interface ArrivalParts {
  /** Tells whose it is. */
  store: object
  found: Found
  req: SessionRequest
  res: Answer
  gates: Gates
  mount: Mount
}

/**
 * What is known of a request's session, and what stands in `req.auth` and the like: Express changes the prototype of each
 * request, after which every property that is put on it costs V8 a hidden class of its own.
 *
 * Nobody has touched `req.session` (asleep); then it is given out (lent), and express-session runs only if it must (awake).
 */
export class Arrival implements Keeper, Waker {
  // Private, so that printing a request shows nothing of it.
  readonly #parts: ArrivalParts
  /** The header; an app may take it off before it hands a request on. */
  readonly #cookie: string | undefined
  /** Methods of the answer that nobody had replaced. */
  readonly #clear: ReturnType<Gates['clearOf']>
  #awake: boolean
  #loan: Loan | undefined
  #late: Late | undefined
  auth: unknown
  sessionID: unknown
  sessionStore: unknown

  constructor(parts: ArrivalParts) {
    this.#parts = parts
    this.#cookie = parts.req.headers.cookie
    this.#clear = parts.gates.clearOf(parts.res)
    this.#awake = false
    this.#loan = undefined
    this.#late = undefined
    this.auth = undefined
    this.sessionID = undefined
    this.sessionStore = parts.store
  }

  get store(): object {
    return this.#parts.store
  }

  get found(): Found {
    return this.#parts.found
  }

  /** True until somebody touches `req.session`. */
  get asleep(): boolean {
    return !this.#awake && !this.#loan
  }

  /** True once express-session has run. */
  get awake(): boolean {
    return this.#awake
  }

  /** Gives out the session. */
  touch(): void {
    const { req, found } = this.#parts
    if (found.data && this.#canLend(found.data)) {
      this.#loan = new Loan(req, found.data, this)
      req.session = this.#loan.session
    } else this.wake()
  }

  wake(): boolean {
    if (this.#awake) return false
    this.#awake = true
    const { req, res, gates } = this.#parts
    // An app may have put another one in its place, or have deleted it.
    const standing = this.#loan && req.session
    if (this.#loan) delete req.session
    this.#late = gates.open(res, this.#clear, () => {
      this.#mount()
    })
    if (standing) req.session = standing
    else if (this.#loan) delete req.session
    return true
  }

  late(name: keyof Late): Late[keyof Late] {
    if (this.#loan && !this.#awake && this.#isDue(this.#loan, name)) this.wake()
    return this.#late?.[name]
  }

  #mount(): void {
    const { req, res, found, mount } = this.#parts
    const { cookie } = req.headers
    req.headers.cookie = this.#cookie
    try {
      mount(req, res, { ...found, ...(this.#loan && { data: this.#loan.restore(), session: this.#loan.session }) })
    } finally {
      if (cookie === undefined) delete req.headers.cookie
      else req.headers.cookie = cookie
    }
  }

  /** Whatever becomes of the session must be seen before it is too late: for the store at `end`, for a cookie at the headers. */
  #canLend(data: SessionData): boolean {
    return this.#clear.includes('end') && (!outlivesBrowser(data) || this.#clear.includes('writeHead'))
  }

  #isDue(loan: Loan, name: keyof Late): boolean {
    const { req, res, found } = this.#parts
    // Only a cookie that outlives the browser is sent anew, and nobody waits for what comes after the end.
    if (name === 'writeHead' ? !outlivesBrowser(found.data) : res.writableEnded) return false
    return Boolean(req.session) && (req.session !== loan.session || !loan.isAsItWas())
  }
}

function outlivesBrowser(data: SessionData | undefined): boolean {
  return data?.cookie.originalMaxAge !== null
}

const ARRIVAL = Symbol('express-auth0-ropg')

type Arrived = SessionRequest & { [ARRIVAL]?: Arrival }

export function arrivalOf(req: Arrived): Arrival | undefined {
  return req[ARRIVAL]
}

export function setArrival(req: Arrived, arrival: Arrival): void {
  req[ARRIVAL] = arrival
}
