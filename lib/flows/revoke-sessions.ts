import type { Report } from '../events.js'
import type { Indexed } from '../session/session-index.js'
import type { Sessions } from '../session/sessions.js'
import type { WhoAsks } from './who-asks.js'

/** A session as its user may see it. */
export interface SessionInfo {
  /** Public handle, as `req.auth.sessionId`. */
  id: string
  createdAt: Date
  /** To the minute. */
  lastSeenAt: Date
  /** Client address of the login. */
  ip: string | undefined
  userAgent: string | undefined
}

/** The sessions of a user, over all processes. Each call rejects with `session_unavailable` when Redis is down. */
export interface UserSessions {
  /** Live sessions, the newest first. */
  list: (sub: string) => Promise<SessionInfo[]>
  /** Ends one session; tells whether there was one. It is gone for every process at its next request. */
  revoke: (sub: string, id: string) => Promise<boolean>
  /** Ends all, or all but one; tells how many. */
  revokeAll: (sub: string, options?: { except?: string | undefined }) => Promise<number>
}

/** The same, for routes, which know who asks. */
export interface RevokeSessions extends UserSessions {
  revoke: (sub: string, id: string, who?: WhoAsks) => Promise<boolean>
  revokeAll: (sub: string, options?: { except?: string | undefined; who?: WhoAsks }) => Promise<number>
}

/** Milliseconds. */
const MINUTE = 60_000

export interface RevokeSessionsParts {
  clock: () => number
  sessions: Sessions
  report: Report
}

export function createUserSessions({ clock, sessions, report }: RevokeSessionsParts): RevokeSessions {
  const end = async (entry: Indexed, { sub, ...who }: WhoAsks & { sub: string }): Promise<boolean> => {
    const started = clock()
    const lived = await sessions.endIndexed({ sub }, entry)
    if (lived) report({ name: 'session.revoked', ...who, sub, durationMs: clock() - started })
    return lived
  }

  return {
    list: async (sub) => {
      const entries = await sessions.index.find({ sub })
      const seen = await Promise.all(entries.map((entry) => sessions.lastSeen(entry)))
      // Not at once: the session of a login that is just being stored may not be there yet.
      const gone = entries.filter(({ since }, place) => seen[place] === undefined && since < clock() - MINUTE)
      await Promise.all(gone.map((entry) => sessions.endIndexed({ sub }, entry)))
      const live = entries.flatMap((entry, place) => describe(entry, seen[place]))
      return live.sort((a, b) => Number(b.createdAt) - Number(a.createdAt))
    },
    revoke: async (sub, id, who) => {
      const entry = (await sessions.index.find({ sub })).find(({ handle }) => handle === id)
      return entry !== undefined && (await end(entry, { ...who, sub }))
    },
    revokeAll: async (sub, { except, who } = {}) => {
      const entries = (await sessions.index.find({ sub })).filter(({ handle }) => handle !== except)
      const lived = await Promise.all(entries.map((entry) => end(entry, { ...who, sub })))
      return lived.filter(Boolean).length
    },
  }
}

function describe({ handle, since, ip, userAgent }: Indexed, seen: number | undefined): SessionInfo[] {
  if (seen === undefined) return []
  return [{ id: handle, createdAt: new Date(since), lastSeenAt: new Date(seen), ip, userAgent }]
}
