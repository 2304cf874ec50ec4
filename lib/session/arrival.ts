import type { Session, SessionData } from 'express-session'
import type { IncomingMessage } from 'node:http'

/** A request as far as sessions are concerned. */
export type SessionRequest = IncomingMessage & { session?: Session & Partial<SessionData>; sessionID?: string }

/** What a request came with, read once. */
export interface Found {
  /** Session id of a genuine cookie. */
  id: string | undefined
  /** The session as it was read; undefined when there is none any more. */
  data: SessionData | undefined
}

/** Brings express-session to life for a request. */
export type Wake = (found: Found) => void

interface ArrivalParts {
  /** Tells whose it is. */
  store: object
  found: Found
  wake: Wake
}

/** Private, so that printing a request shows nothing of it. */
export class Arrival {
  readonly #parts: ArrivalParts
  #asleep = true

  constructor(parts: ArrivalParts) {
    this.#parts = parts
  }

  get store(): object {
    return this.#parts.store
  }

  get found(): Found {
    return this.#parts.found
  }

  /** True until somebody touches `req.session`. */
  get asleep(): boolean {
    return this.#asleep
  }

  wake(): void {
    if (!this.#asleep) return
    this.#asleep = false
    this.#parts.wake(this.#parts.found)
  }
}

const ARRIVAL = Symbol('express-auth0-ropg')

type Arrived = SessionRequest & { [ARRIVAL]?: Arrival; app?: App }

interface App {
  request?: object
  parent?: App
}

export function arrivalOf(req: Arrived): Arrival | undefined {
  return req[ARRIVAL]
}

/** Puts express-session off until somebody touches `req.session`. */
export function putOff(req: Arrived, arrival: Arrival): void {
  req[ARRIVAL] = arrival
  const kind = rootRequest(req) ?? req
  if (OURS.has(kind)) return
  // Where somebody else has put something, the request itself must do.
  const target = 'session' in kind ? req : kind
  Object.defineProperties(target, PUT_OFF)
  if (target !== req) OURS.add(target)
}

/**
 * What all requests of an app inherit from (`app.request`, where Express wants them extended). Accessors on each single
 * request would cost an eighth of a whole authenticated GET.
 */
function rootRequest({ app }: Arrived): object | undefined {
  let root = app
  while (root?.parent) root = root.parent
  return root?.request
}

/** Where the accessors are. */
const OURS = new WeakSet()

const PUT_OFF: PropertyDescriptorMap = {
  session: {
    configurable: true,
    enumerable: true,
    get(this: Arrived) {
      const arrival = this[ARRIVAL]
      if (!arrival?.asleep) return undefined
      arrival.wake()
      return this.session
    },
    set(this: Arrived, value: unknown) {
      this[ARRIVAL]?.wake()
      own(this, 'session', value)
    },
  },
  sessionStore: {
    configurable: true,
    enumerable: true,
    get(this: Arrived) {
      return this[ARRIVAL]?.store
    },
    set(this: Arrived, value: unknown) {
      own(this, 'sessionStore', value)
    },
  },
  sessionID: {
    configurable: true,
    enumerable: true,
    get(this: Arrived) {
      const arrival = this[ARRIVAL]
      if (!arrival?.asleep) return undefined
      if (arrival.found.data) return arrival.found.id
      arrival.wake()
      return this.sessionID
    },
    set(this: Arrived, value: unknown) {
      this[ARRIVAL]?.wake()
      own(this, 'sessionID', value)
    },
  },
}

/** From now on an ordinary property of this request. */
function own(req: SessionRequest, name: string, value: unknown): void {
  Object.defineProperty(req, name, { value, writable: true, configurable: true, enumerable: true })
}
