import type { Report } from '../events.js'
import type { SessionRequest } from '../session/session-middleware.js'
import type { Sessions } from '../session/sessions.js'
import type { WhoAsks } from './who-asks.js'

export interface SignOutParts {
  clock: () => number
  sessions: Sessions
  report: Report
}

/** Ends the sessions that a request came with, and the one with this id. */
export type SignOut = (req: SessionRequest, who: WhoAsks, id?: string) => Promise<void>

/** Tokens and session go at once; Auth0 hears of it in the background, so that logout works while it is down. */
export function createSignOut({ clock, sessions, report }: SignOutParts): SignOut {
  return async (req, who, id) => {
    const started = clock()
    for (const { sub, handle } of await sessions.endAll(req, id)) {
      report({ name: 'logout', ...who, sub, sessionId: handle, durationMs: clock() - started })
    }
  }
}
