import type { IncomingMessage } from 'node:http'
import type { Report } from '../events.js'
import type { Login } from '../session/login.js'
import type { SessionRequest } from '../session/session-middleware.js'
import type { Sessions } from '../session/sessions.js'
import type { WhoAsks } from './who-asks.js'

export interface SignOutParts {
  clock: () => number
  sessions: Sessions
  /** Ends logins of the request that are waiting for their second factor. */
  endPending: (req: IncomingMessage) => Promise<void>
  report: Report
}

/** Ends the sessions of a request, and the one with this id. Resolves to their logins. */
export type SignOut = (req: SessionRequest, who: WhoAsks, id?: string) => Promise<readonly Login[]>

/** Refresh tokens are revoked in the background, so that logout works while Auth0 is down. */
export function createSignOut({ clock, sessions, endPending, report }: SignOutParts): SignOut {
  return async (req, who, id) => {
    const started = clock()
    const [ended] = await Promise.all([sessions.endAll(req, id), endPending(req)])
    for (const { sub, handle } of ended) {
      report({ name: 'logout', ...who, sub, sessionId: handle, durationMs: clock() - started })
    }
    return ended
  }
}
