import type { Session, SessionData } from 'express-session'
import type { IncomingMessage } from 'node:http'
import type { Answer, Gates, Held, Keeper } from './gates.js'
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
  readonly #store: object
  readonly #found: Found
  readonly #res: Answer
  readonly #gates: Gates
  readonly #mount: Mount
  #awake: boolean
  #loan: Loan | undefined
  #late: Partial<Held> | undefined
  auth: unknown
  sessionID: unknown
  sessionStore: unknown

  constructor({ store, found, res, gates, mount }: ArrivalParts) {
    this.#store = store
    this.#found = found
    this.#res = res
    this.#gates = gates
    this.#mount = mount
    this.#awake = false
    this.#loan = undefined
    this.#late = undefined
    this.auth = undefined
    this.sessionID = undefined
    this.sessionStore = store
  }

  get store(): object {
    return this.#store
  }

  get found(): Found {
    return this.#found
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
  touch(req: SessionRequest): void {
    const { data } = this.#found
    if (data && this.#canLend(data)) {
      this.#loan = new Loan(req, data, this)
      req.session = this.#loan.session
    } else this.wake(req)
  }

  wake(req: SessionRequest): boolean {
    return this.#wake(req, (mount) => this.#gates.pass(this.#res, mount))
  }

  late(req: SessionRequest, name: keyof Held): Held[keyof Held] | undefined {
    if (this.#loan && !this.#awake && this.#isDue(req, this.#loan, name))
      this.#wake(req, (mount) => this.#gates.passWithin(this.#res, mount))
    return this.#late?.[name]
  }

  /** Whatever becomes of the session must be seen before it is too late: for the store at `end`, for a cookie at the headers. */
  #canLend(data: SessionData): boolean {
    const gates = this.#gates
    return gates.stand(this.#res, 'end') && (!outlivesBrowser(data) || gates.stand(this.#res, 'writeHead'))
  }

  #isDue({ session }: SessionRequest, loan: Loan, name: keyof Held): boolean {
    // Only a cookie that outlives the browser is sent anew, and nobody waits for what comes after the end.
    if (name === 'writeHead' ? !outlivesBrowser(this.#found.data) : this.#res.writableEnded) return false
    return Boolean(session) && (session !== loan.session || !loan.isAsItWas())
  }

  #wake(req: SessionRequest, pass: (mount: () => void) => Partial<Held>): boolean {
    if (this.#awake) return false
    this.#awake = true
    const { id, data } = this.#found
    const loan = this.#loan
    // An app may have put another one in its place, or have deleted it.
    const standing = loan && req.session
    if (loan) delete req.session
    this.#late = pass(() => {
      this.#mount(req, this.#res, { id, data: loan && data ? loan.restore(data) : data, session: loan?.session })
    })
    if (loan && !standing) delete req.session
    else if (standing) req.session = standing
    return true
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
