import type { IncomingMessage, ServerResponse } from 'node:http'
import expressSession, { type Session, type SessionData } from 'express-session'
import type { Config } from '../options.js'
import type { SessionStore } from './session-store.js'

/** A request as far as sessions are concerned. */
export type SessionRequest = IncomingMessage & { session?: Session & Partial<SessionData>; sessionID?: string }

type Next = (err?: unknown) => void

export interface SessionMiddleware {
  /** Connect middleware: gives the request a session unless it has one. */
  (req: SessionRequest, res: ServerResponse, next: Next): void
  /** True when the request came with a genuine cookie whose session is over. */
  cameWithEnded(req: SessionRequest): boolean
}

/** express-session on our store, told apart from a session middleware that the app brought itself. */
export function createSessionMiddleware(options: Config['session'], store: SessionStore): SessionMiddleware {
  const { name, path, domain, sameSite, secure } = options.cookie
  const mount = expressSession({
    name,
    secret: [...options.secrets],
    store,
    resave: false,
    saveUninitialized: false,
    cookie: { path, sameSite, secure, httpOnly: true, ...(domain !== undefined && { domain }) },
  }) as unknown as (req: SessionRequest, res: ServerResponse, next: Next) => void
  const presented = new WeakMap<SessionRequest, string>()

  const middleware = (req: SessionRequest, res: ServerResponse, next: Next) => {
    if (req.session) {
      next()
      return
    }
    mount(req, res, once(next))
    // Between the call and the store's answer, sessionID is the id of the cookie.
    if (req.sessionID !== undefined) presented.set(req, req.sessionID)
  }
  return Object.assign(middleware, {
    cameWithEnded: (req: SessionRequest) => presented.has(req) && presented.get(req) !== req.sessionID,
  })
}

/** express-session calls next a second time when saving fails after the answer has begun; nobody could answer then. */
function once(next: Next): Next {
  let called = false
  return (err) => {
    if (called) return
    called = true
    next(err)
  }
}
