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

interface Arrival extends Found {
  asleep: boolean
  wake: Wake
}

export interface Arrivals {
  /** Puts express-session off until somebody touches `req.session`. */
  putOff(req: SessionRequest, found: Found, wake: Wake): void
  /** What the request came with; undefined where nothing was put off. */
  of(req: SessionRequest): Readonly<Found & { asleep: boolean }> | undefined
}

/** Kept on the requests themselves: a WeakMap of every request costs more than all the rest of a session. */
export function createArrivals(): Arrivals {
  const OURS = Symbol('express-auth0-ropg')
  const find = (req: SessionRequest) => Reflect.get(req, OURS) as Arrival | undefined

  const wake = (req: SessionRequest) => {
    const arrival = find(req)
    if (!arrival?.asleep) return
    arrival.asleep = false
    for (const name of PUT_OFF) Object.defineProperty(req, name, EMPTY)
    arrival.wake(arrival)
  }
  const descriptors = Object.fromEntries(PUT_OFF.map((name) => [name, descriptorOf(name, wake)]))

  return {
    putOff: (req, found, wake) => {
      Object.defineProperty(req, OURS, { value: { ...found, asleep: true, wake } })
      Object.defineProperties(req, descriptors)
    },
    of: find,
  }
}

/** express-session sets both. */
const PUT_OFF = ['session', 'sessionID'] as const

const EMPTY = { value: undefined, writable: true, configurable: true, enumerable: true }

/** The same functions for all requests, or each request would be an object of a kind of its own to the engine. */
function descriptorOf(name: (typeof PUT_OFF)[number], wake: (req: SessionRequest) => void): PropertyDescriptor {
  return {
    configurable: true,
    enumerable: true,
    get(this: SessionRequest) {
      wake(this)
      return this[name]
    },
    set(this: SessionRequest, value: never) {
      wake(this)
      this[name] = value
    },
  }
}
