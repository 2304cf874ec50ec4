import { ServerResponse, type IncomingMessage } from 'node:http'
import type { KeyObject } from 'node:crypto'
import type { Request } from 'express'
import expressSession, { type Session, type SessionData } from 'express-session'
import type { Config } from '../options/options.js'
import type { ReadCookies } from './cookie.js'
import type { SessionStore } from './session-store.js'
import type { Live, SessionVault } from './session-vault.js'

/** A request on which express-session may have run. */
export type SessionRequest = IncomingMessage & {
  session?: (Session & Partial<SessionData>) | undefined
  sessionID?: string | undefined
  sessionStore?: object | undefined
}

/** A request on which express-session has run. */
export type WithSession = SessionRequest & { session: Session & SessionData; sessionID: string }

type Next = (err?: unknown) => void
type Run = (req: IncomingMessage, res: ServerResponse, next: Next) => void

export interface SessionMiddlewareParts {
  session: Config['session']
  keys: readonly KeyObject[]
  store: SessionStore
  vault: SessionVault
  readCookies: ReadCookies
  closed: () => Error | undefined
}

/** express-session on our store. */
export function createSessionMiddleware(parts: SessionMiddlewareParts) {
  const { session, store, vault, readCookies, closed } = parts
  const run = createExpressSession(parts)
  const isMounted = (req: SessionRequest): req is WithSession => Boolean(req.session) && req.sessionStore === store
  /** express-session reads only the first cookie of its name, and only synchronously. */
  const runForFirst: Run = (req, res, next) => {
    const cookies = readCookies(req)
    vault.findFirst(cookies).then((found) => {
      const sent = req.headers.cookie
      req.headers.cookie = (cookies.find(({ id }) => id === found?.id) ?? cookies[0])?.raw
      run(req, res, (err) => {
        req.headers.cookie = sent
        next(err)
      })
      req.headers.cookie = sent
    }, next)
  }

  return {
    isMounted,
    /** True if other middleware has set `req.session`. */
    isTaken: (req: SessionRequest) => Boolean(req.session) && !isMounted(req),
    /** The login session behind our `req.session`. */
    mounted: (req: SessionRequest): Live | undefined => {
      if (!isMounted(req)) return undefined
      const { login, tokens } = store.knownOf(req.session) ?? {}
      return login && { id: req.sessionID, login, tokens }
    },
    /** Sets `req.session`, for the app's own data. */
    mount: (req: SessionRequest, res: ServerResponse, next: Next) => {
      const problem = closed()
      const named = req.headers.cookie?.split(/;\s*/).filter((pair) => pair.startsWith(`${session.cookie.name}=`)) ?? []
      if (problem || req.session) next(problem)
      else if (named.length > 1) runForFirst(req, res, next)
      else run(req, res, next)
    },
    begin: (isSecure: boolean) => begin(run, session.cookie.path, isSecure),
    /** Replaces `req.session`, so that express-session sends the new cookie. False if `auth.session` is not mounted. */
    adopt: (req: SessionRequest, id: string, stored: Session & SessionData): boolean => {
      if (!isMounted(req)) return false
      req.sessionID = id
      store.createSession(req as Request, stored)
      return true
    },
  }
}

function createExpressSession({ session, keys, store }: SessionMiddlewareParts): Run {
  const { name, path, domain, sameSite, secure } = session.cookie
  return expressSession({
    name,
    // Typed as strings, but cookie-signature also takes key objects, which are faster.
    secret: [...keys] as unknown as string[],
    store,
    resave: false,
    saveUninitialized: false,
    cookie: { path, sameSite, secure, httpOnly: true, ...(domain !== undefined && { domain }) },
  }) as unknown as Run
}

/** Creates a session on a request of our own, so that the real one stays unchanged until everything is stored. */
function begin(run: Run, path: string, isSecure: boolean) {
  const exchange = { method: 'POST', url: path, originalUrl: path, headers: {}, secure: isSecure }
  const req = exchange as unknown as WithSession
  const res = new ServerResponse(req)
  // Synchronous, because a request without a cookie needs no store.
  run(req, res, (err) => {
    if (err !== undefined) throw err as Error
  })
  const cookie = () => {
    res.writeHead(200)
    return [res.getHeader('set-cookie')].flat().map(String)[0]
  }
  return { id: req.sessionID, session: req.session, cookie }
}

export type SessionMiddleware = ReturnType<typeof createSessionMiddleware>
