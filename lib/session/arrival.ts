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

/** Runs express-session in this tick; throws what it fails with. */
export type Mount = (req: SessionRequest, arrival: Arrival) => void

interface ArrivalParts {
  /** Tells whose it is. */
  store: object
  found: Found
  res: Answer
  mount: Mount
}

/**
 * What is known of a request's session, and what stands in `req.auth` and the like: Express changes the prototype of each
 * request, after which every property that is put on it costs V8 a hidden class of its own.
 */
export class Arrival implements LateEnd {
  // Private, so that printing a request shows nothing of it.
  readonly #store: object
  readonly #found: Found
  readonly #res: Answer
  /** Until somebody touches `req.session`. */
  #mount: Mount | undefined
  auth: unknown
  sessionID: unknown
  sessionStore: unknown
  lateEnd: End | undefined

  constructor({ store, found, res, mount }: ArrivalParts) {
    this.#store = store
    this.#found = found
    this.#res = res
    this.#mount = mount
    this.auth = undefined
    this.sessionID = undefined
    this.sessionStore = store
    this.lateEnd = undefined
  }

  get store(): object {
    return this.#store
  }

  get found(): Found {
    return this.#found
  }

  get res(): Answer {
    return this.#res
  }

  /** True until somebody touches `req.session`. */
  get asleep(): boolean {
    return this.#mount !== undefined
  }

  wake(req: SessionRequest): void {
    const mount = this.#mount
    this.#mount = undefined
    mount?.(req, this)
  }
}

const ARRIVAL = Symbol('express-auth0-ropg')

type Arrived = SessionRequest & { [ARRIVAL]?: Arrival; app?: App; auth?: unknown }

interface App {
  request: object
  response: Answer
  parent?: App
}

export function arrivalOf(req: Arrived): Arrival | undefined {
  return req[ARRIVAL]
}

/** Puts express-session off until somebody touches `req.session`. */
export function putOff(req: Arrived, arrival: Arrival): void {
  req[ARRIVAL] = arrival
  const root = rootOf(req)
  if (root && OURS.has(root)) return
  guardEnd(root?.response ?? arrival.res)
  if (root && Object.keys(PUT_OFF).every((name) => !(name in root.request))) {
    Object.defineProperties(root.request, PUT_OFF)
    OURS.add(root)
    return
  }
  // Where somebody else has put something, the request itself must do.
  const { auth, ...rest } = PUT_OFF
  Object.defineProperties(req, 'auth' in req ? rest : { ...rest, auth })
}

function guardEnd(response: Answer): void {
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

/** Apps and answers that have been extended. */
const OURS = new WeakSet()

const PUT_OFF = {
  session: {
    configurable: true,
    enumerable: true,
    get(this: Arrived) {
      const arrival = this[ARRIVAL]
      if (!arrival?.asleep) return undefined
      arrival.wake(this)
      return this.session
    },
    set(this: Arrived, value: unknown) {
      this[ARRIVAL]?.wake(this)
      // express-session deletes it: it must be an ordinary property of this request.
      own(this, 'session', value)
    },
  },
  sessionID: {
    ...keptAs('sessionID'),
    get(this: Arrived) {
      const arrival = this[ARRIVAL]
      if (arrival?.asleep && arrival.found.data) return arrival.found.id
      arrival?.wake(this)
      return arrival?.sessionID
    },
  },
  sessionStore: keptAs('sessionStore'),
  auth: keptAs('auth'),
} satisfies PropertyDescriptorMap

/** A property of requests whose value stands in their arrival. */
function keptAs(name: 'auth' | 'sessionID' | 'sessionStore'): PropertyDescriptor & ThisType<Arrived> {
  return {
    configurable: true,
    enumerable: true,
    get() {
      return this[ARRIVAL]?.[name]
    },
    set(value: unknown) {
      const arrival = this[ARRIVAL]
      if (arrival) arrival[name] = value
      else own(this, name, value)
    },
  }
}

/** From now on an ordinary property of this request. */
function own(req: object, name: string, value: unknown): void {
  Object.defineProperty(req, name, { value, writable: true, configurable: true, enumerable: true })
}
