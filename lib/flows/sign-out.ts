import type { Report } from '../events.js'
import type { SessionRequest } from '../session/arrival.js'
import type { Sessions } from '../session/sessions.js'
import type { WhoAsks } from './who-asks.js'

export interface SignOutParts {
  clock: () => number
  sessions: Sessions
  report: Report
}

export type SignOut = (req: SessionRequest, who: WhoAsks & { sub?: string }) => Promise<void>

/** Tokens and session go at once; Auth0 hears of it in the background, so that logout works while it is down. */
export function createSignOut({ clock, sessions, report }: SignOutParts): SignOut {
  return async (req, who) => {
    const started = clock()
    await sessions.end(req)
    if (who.sub !== undefined) report({ name: 'logout', ...who, durationMs: clock() - started })
  }
}
