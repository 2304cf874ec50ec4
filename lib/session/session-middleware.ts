import type { ServerResponse } from 'node:http'
import expressSession, { type SessionData } from 'express-session'
import { ConfigurationError } from '../errors.js'
import type { Config } from '../options/options.js'
import { arrivalOf, type Found, type Mount, type SessionRequest } from './arrival.js'
import type { Answer } from './gates.js'
import { putOff } from './put-off.js'
import { createReadSessionId } from './session-cookie.js'
import type { SessionStore } from './session-store.js'

/** The session of a request, as far as anybody has touched it. */
export interface Standing {
  id: string | undefined
  data: Partial<SessionData> | undefined
}

export interface SessionMiddleware {
  /**
   * Gives the request a session unless it has one: reads it once, and puts express-session off until somebody touches
   * `req.session`. Rejects when the store does not answer; undefined when it need not be asked.
   */
  attach(req: SessionRequest, res: ServerResponse): Promise<void> | undefined
  /** True for a request that has a session of the app's own. */
  hasForeign(req: SessionRequest): boolean
  /** The session as it stands; does not bring express-session to life. */
  standing(req: SessionRequest): Standing
  /** True for a request that came without a session, while nobody has touched the one that it is given. */
  isNew(req: SessionRequest): boolean
  /** The id in a genuine cookie whose session is over. */
  endedId(req: SessionRequest): string | undefined
}

export interface SessionMiddlewareParts {
  session: Config['session']
  store: SessionStore
  /** False: express-session runs for every request. */
  lazy: boolean
}

/** express-session on our store. Most requests never look at `req.session`, and so never pay for it. */
export function createSessionMiddleware(parts: SessionMiddlewareParts): SessionMiddleware {
  const { session, store } = parts
  const { name, path } = session.cookie
  const arrive = createArrive(parts)
  const readSessionId = createReadSessionId(name, session.secrets)
  /** Another instance on the same request is to this one what a session of the app's own would be. */
  const arrivalHere = (req: SessionRequest) => {
    const arrival = arrivalOf(req)
    return arrival?.store === store ? arrival : undefined
  }

  return {
    attach: (req, res) => {
      if (arrivalHere(req)) return undefined
      if (req.session) {
        assertExpressSession(req.session)
        return undefined
      }
      const id = isUnder(path, req) ? readSessionId(req) : undefined
      if (id === undefined) {
        arrive(req, res, { id, data: undefined })
        return undefined
      }
      return store.find(id).then((data) => {
        arrive(req, res, { id, data })
      })
    },
    hasForeign: (req) => !arrivalHere(req) && Boolean(req.session),
    standing: (req) => {
      const arrival = arrivalHere(req)
      return arrival?.asleep ? arrival.found : { id: req.sessionID, data: req.session }
    },
    isNew: (req) => {
      const arrival = arrivalHere(req)
      return arrival?.asleep === true && !arrival.found.data
    },
    endedId: (req) => {
      const found = arrivalHere(req)?.found
      return found?.data ? undefined : found?.id
    },
  }
}

type Arrive = (req: SessionRequest, res: ServerResponse, found: Found) => void

/** Puts express-session off for a request, with what was read for it. */
function createArrive({ session, store, lazy }: SessionMiddlewareParts): Arrive {
  const mount = createMount(session, store)
  return (req, res, found) => {
    const arrival = putOff({ store, found, req, res: res as unknown as Answer, mount })
    if (!lazy) arrival.wake()
  }
}

function assertExpressSession(session: object): void {
  if (!('regenerate' in session)) throw new ConfigurationError(NOT_A_SESSION)
}

const NOT_A_SESSION =
  'req.session is not one of express-session: remove the other session middleware (cookie-session, say) in front of ' +
  'the routes that use this package'

function createMount({ cookie, secrets }: Config['session'], store: SessionStore): Mount {
  const { name, path, domain, sameSite, secure } = cookie
  const middleware = expressSession({
    name,
    secret: [...secrets],
    store,
    resave: false,
    saveUninitialized: false,
    cookie: { path, sameSite, secure, httpOnly: true, ...(domain !== undefined && { domain }) },
  }) as unknown as (req: SessionRequest, res: Answer, next: (err?: unknown) => void) => void
  let failure: unknown
  // One for all requests: express-session holds on to it, and calls it in this tick. What it tells later is of a save that
  // failed after the answer had begun: nobody could be told of it.
  const next = (err?: unknown) => {
    failure = err
  }
  return (req, res, given) => {
    failure = undefined
    store.answering(given, () => {
      middleware(req, res, next)
    })
    if (failure) throw failure as Error
  }
}

/** A browser sends the cookie to no other paths, and express-session accepts none there. */
function isUnder(path: string, { originalUrl, url }: SessionRequest & { originalUrl?: string }): boolean {
  return path === '/' || (originalUrl ?? url ?? '').startsWith(path)
}
