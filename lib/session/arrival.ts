import type { Session, SessionData } from 'express-session'
import type { IncomingMessage } from 'node:http'
import { gateOf, type Answer, type End, type LateEnd } from './late-end.js'

/** A request as far as sessions are concerned. */
export type SessionRequest = IncomingMessage & { session?: Session & Partial<SessionData>; sessionID?: string }

/** What a request came with, read once. */
export interface Found {
  /** Session id of a genuine cookie. */
  id: string | undefined
  /** The session as it was read; undefined when there is none any more. */
  data: SessionData | undefined
}

interface ArrivalParts {
  /** Tells whose it is. */
  store: object
  found: Found
  /** Brings express-session to life for the request. */
  wake: () => void
}

/** Private, so that printing a request shows nothing of it. */
export class Arrival implements LateEnd {
  readonly #store: object
  readonly #found: Found
  /** Until somebody touches `req.session`. */
  #wake: (() => void) | undefined
  #lateEnd: End | undefined

  constructor({ store, found, wake }: ArrivalParts) {
    this.#store = store
    this.#found = found
    this.#wake = wake
  }

  get store(): object {
    return this.#store
  }

  get found(): Found {
    return this.#found
  }

  /** True until somebody touches `req.session`. */
  get asleep(): boolean {
    return this.#wake !== undefined
  }

  /** express-session's `end` of the answer, until it is called. */
  get lateEnd(): End | undefined {
    return this.#lateEnd
  }

  set lateEnd(end: End | undefined) {
    this.#lateEnd = end
  }

  wake(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}

const ARRIVAL = Symbol('express-auth0-ropg')

type Arrived = SessionRequest & { [ARRIVAL]?: Arrival; app?: App }

interface App {
  request?: object
  response?: Answer
  parent?: App
}

export function arrivalOf(req: Arrived): Arrival | undefined {
  return req[ARRIVAL]
}

/** Puts express-session off until somebody touches `req.session`. */
export function putOff(req: Arrived, res: Answer, arrival: Arrival): void {
  req[ARRIVAL] = arrival
  const { request = req, response = res } = rootOf(req) ?? {}
  if (!OURS.has(request)) {
    // Where somebody else has put something, the request itself must do.
    const target = 'session' in request ? req : request
    Object.defineProperties(target, PUT_OFF)
    if (target !== req) OURS.add(target)
  }
  if (OURS.has(response)) return
  response.end = gateOf(response.end, (req) => arrivalOf(req as Arrived))
  OURS.add(response)
}

/**
 * The app whose `request` and `response` all others inherit, where Express wants them extended. Accessors on each single
 * request would cost an eighth of a whole authenticated GET.
 */
function rootOf({ app }: Arrived): App | undefined {
  let root = app
  while (root?.parent) root = root.parent
  return root
}

/** What has been extended. */
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
