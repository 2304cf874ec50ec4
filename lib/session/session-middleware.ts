import type { ServerResponse } from 'node:http'
import expressSession, { type SessionData } from 'express-session'
import { ConfigurationError } from '../errors.js'
import type { Config } from '../options.js'
import { Arrival, arrivalOf, putOff, type Found, type SessionRequest } from './arrival.js'
import { rememberEnd, type Answer } from './late-end.js'
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
   * `req.session`. Rejects when the store does not answer.
   */
  attach(req: SessionRequest, res: ServerResponse): Promise<void>
  /** True for a request that has a session of the app's own. */
  hasForeign(req: SessionRequest): boolean
  /** The session as it stands; does not bring express-session to life. */
  standing(req: SessionRequest): Standing
  /** The id in a genuine cookie whose session is over. */
  endedId(req: SessionRequest): string | undefined
}

/** Runs express-session in this tick; throws what it fails with. */
type Mount = (req: SessionRequest, res: ServerResponse) => void

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
  /** Another instance on the same request is to this one what a session of the app's own would be. */
  const arrivalHere = (req: SessionRequest) => {
    const arrival = arrivalOf(req)
    return arrival?.store === store ? arrival : undefined
  }

  return {
    attach: async (req, res) => {
      if (arrivalHere(req)) return
      if (req.session) {
        assertExpressSession(req.session)
        return
      }
      const id = isUnder(path, req) ? readSessionId(req) : undefined
      const data = id === undefined ? undefined : await store.find(id)
      const wake = (found: Found) => {
        store.answering(found, () => {
          mount(req, res)
        })
        rememberEnd(res as unknown as Answer, arrival)
      }
      const arrival = new Arrival({ store, found: { id, data }, wake })
      putOff(req, res as unknown as Answer, arrival)
      if (!lazy) Reflect.get(req, 'session')
    },
    hasForeign: (req) => !arrivalHere(req) && Boolean(req.session),
    standing: (req) => {
      const arrival = arrivalHere(req)
      return arrival?.asleep ? arrival.found : { id: req.sessionID, data: req.session }
    },
    endedId: (req) => {
      const found = arrivalHere(req)?.found
      return found?.data ? undefined : found?.id
    },
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
  }) as unknown as (req: SessionRequest, res: ServerResponse, next: (err?: unknown) => void) => void
  return (req, res) => {
    const failures: unknown[] = []
    middleware(req, res, (err) => {
      if (err) failures.push(err)
    })
    // What comes later tells of a save that failed after the answer had begun: nobody could be told of it.
    if (failures.length > 0) throw failures[0] as Error
  }
}

/** A browser sends the cookie to no other paths, and express-session accepts none there. */
function isUnder(path: string, { originalUrl, url }: SessionRequest & { originalUrl?: string }): boolean {
  return path === '/' || (originalUrl ?? url ?? '').startsWith(path)
}
