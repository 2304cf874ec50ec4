import type { IncomingMessage, ServerResponse } from 'node:http'
import expressSession, { type Session, type SessionData } from 'express-session'
import { ConfigurationError } from '../errors.js'
import type { Config } from '../options.js'
import { createReadSessionId } from './session-cookie.js'
import type { SessionStore } from './session-store.js'

/** A request as far as sessions are concerned. */
export type SessionRequest = IncomingMessage & { session?: Session & Partial<SessionData>; sessionID?: string }

/** What the cookie of a request led to. */
export interface Arrival {
  /** Session id of a genuine cookie. */
  id: string | undefined
  /** The session as it was read; undefined when there is none any more. */
  blob: SessionData | undefined
}

/** The session of a request, as far as anybody has touched it. */
export interface Standing {
  id: string | undefined
  data: Partial<SessionData> | undefined
}

export interface SessionMiddleware {
  /**
   * Gives the request a session unless it has one: reads it once, and puts express-session off until somebody touches
   * `req.session`. Rejects when the store does not answer.
   */
  attach(req: SessionRequest, res: ServerResponse): Promise<void>
  /** The session as it stands; does not bring express-session to life. */
  standing(req: SessionRequest): Standing
  /** True when the request came with a genuine cookie whose session is over. */
  cameWithEnded(req: SessionRequest): boolean
}

type Mount = (req: SessionRequest, res: ServerResponse, next: (err?: unknown) => void) => void

export interface SessionMiddlewareParts {
  session: Config['session']
  store: SessionStore
  /** False: express-session runs for every request. */
  lazy: boolean
}

/** express-session on our store. Most requests never look at `req.session`, and so never pay for it. */
export function createSessionMiddleware({ session, store, lazy }: SessionMiddlewareParts): SessionMiddleware {
  const { name, path } = session.cookie
  const mount = createMount(session, store)
  const readSessionId = createReadSessionId(name, session.secrets)
  const arrivals = new WeakMap<SessionRequest, Arrival>()
  const asleep = new WeakSet<SessionRequest>()

  const wake = (req: SessionRequest, res: ServerResponse, arrival: Arrival) => {
    asleep.delete(req)
    store.answering(arrival, () => {
      inThisTick((done) => {
        mount(req, res, done)
      })
    })
  }

  return {
    attach: async (req, res) => {
      if (arrivals.has(req) || hasSessionOfTheApp(req)) return
      const id = isUnder(path, req) ? readSessionId(req) : undefined
      const arrival = { id, blob: id === undefined ? undefined : await store.find(id) }
      arrivals.set(req, arrival)
      asleep.add(req)
      putOff(req, () => {
        wake(req, res, arrival)
      })
      if (!lazy) void req.session
    },
    standing: (req) => {
      const arrival = asleep.has(req) ? arrivals.get(req) : undefined
      return arrival ? { id: arrival.id, data: arrival.blob } : { id: req.sessionID, data: req.session }
    },
    cameWithEnded: (req) => {
      const arrival = arrivals.get(req)
      return arrival?.id !== undefined && !arrival.blob
    },
  }
}

function hasSessionOfTheApp({ session }: SessionRequest): boolean {
  if (session && typeof session.regenerate !== 'function') throw new ConfigurationError(NOT_A_SESSION)
  return Boolean(session)
}

const NOT_A_SESSION =
  'req.session is not one of express-session: remove the other session middleware (cookie-session, say) in front of ' +
  'the routes that use this package'

function createMount({ cookie, secrets }: Config['session'], store: SessionStore): Mount {
  const { name, path, domain, sameSite, secure } = cookie
  return expressSession({
    name,
    secret: [...secrets],
    store,
    resave: false,
    saveUninitialized: false,
    cookie: { path, sameSite, secure, httpOnly: true, ...(domain !== undefined && { domain }) },
  }) as unknown as Mount
}

/** express-session sets both; whichever is looked at first brings it to life. */
const PUT_OFF = ['session', 'sessionID'] as const

function putOff(req: SessionRequest, wake: () => void): void {
  const awaken = () => {
    for (const name of PUT_OFF) Reflect.deleteProperty(req, name)
    wake()
  }
  for (const name of PUT_OFF) {
    Object.defineProperty(req, name, {
      configurable: true,
      enumerable: true,
      get: () => {
        awaken()
        return req[name]
      },
      set: (value: never) => {
        awaken()
        req[name] = value
      },
    })
  }
}

/** A browser sends the cookie to no other paths, and express-session accepts none there. */
function isUnder(path: string, { originalUrl, url }: SessionRequest & { originalUrl?: string }): boolean {
  return path === '/' || (originalUrl ?? url ?? '').startsWith(path)
}

/** Throws what is called back at once. Later calls tell of a save that failed after the answer had begun: too late. */
function inThisTick(start: (done: (err?: unknown) => void) => void): void {
  const failures: unknown[] = []
  start((err) => {
    if (err) failures.push(err)
  })
  if (failures.length > 0) throw failures[0] as Error
}
