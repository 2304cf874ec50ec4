import type { Report } from '../events.js'
import { inBatches } from '../session/in-batches.js'
import type { StoredSession } from '../session/session-records.js'
import type { Live } from '../session/session-records.js'
import type { Sessions } from '../session/sessions.js'
import type { Listed } from '../session/user-list.js'
import type { WhoAsks } from './who-asks.js'

/** A session, as shown to its user. */
export interface SessionInfo {
  /** Public handle, the same as `req.auth.sessionId`. */
  id: string
  createdAt: Date
  /** Accurate to a minute. */
  lastSeenAt: Date
  /** Client address of the login. */
  ip: string | undefined
  userAgent: string | undefined
}

/** The sessions of a user, across all processes. Every call rejects with `session_unavailable` while Redis is down. */
export interface UserSessions {
  /** Resolves to the live sessions, newest first. */
  list: (sub: string) => Promise<SessionInfo[]>
  /** Ends one session on every process. Resolves to whether the session existed. */
  revoke: (sub: string, id: string) => Promise<boolean>
  /** Ends all sessions, or all except one. Resolves to the number of sessions that ended. */
  revokeAll: (sub: string, options?: { except?: string | undefined }) => Promise<number>
}

/** Adds the caller of a route, for events. */
export interface RevokeSessions extends UserSessions {
  revoke: (sub: string, id: string, who?: WhoAsks) => Promise<boolean>
  revokeAll: (sub: string, options?: { except?: string | undefined; who?: WhoAsks; keep?: Live }) => Promise<number>
  /** Ends the sessions from an Auth0 session, including logins that are still in progress. */
  revokeSid: (sid: string, who?: WhoAsks) => Promise<void>
}

export interface RevokeSessionsParts {
  clock: () => number
  sessions: Sessions
  report: Report
}

type End = (listed: Listed, who: WhoAsks & { sub?: string }) => Promise<boolean>

/** Ends one session. Resolves to whether it was live. */
function createEnd({ clock, sessions, report }: RevokeSessionsParts): End {
  return async ({ id, handle }, who) => {
    const started = clock()
    const ended = await sessions.end(id)
    const lived = ended !== undefined
    const sub = ended?.login?.sub ?? who.sub
    const facts = { ...who, ...(sub !== undefined && { sub }), sessionId: handle, durationMs: clock() - started }
    if (lived) report({ name: 'session.revoked', ...facts })
    // Ending a session removes its entry, but this session was already gone.
    if (!ended?.login && sub !== undefined) await sessions.lists.ofUser.drop(sub, [{ handle }])
    return lived
  }
}

export function createUserSessions(parts: RevokeSessionsParts): RevokeSessions {
  const { sessions } = parts
  const { ofUser: list, ofSid: bySid } = sessions.lists
  const end = createEnd(parts)

  return {
    list: async (sub) => {
      const listed = await list.all(sub)
      const found = await inBatches(listed, ({ id }) => sessions.peek(id))
      await list.drop(
        sub,
        listed.filter((_, place) => found[place] === undefined),
      )
      return found.flatMap(describe).sort((a, b) => Number(b.createdAt) - Number(a.createdAt))
    },
    revoke: async (sub, id, who) => {
      const listed = (await list.all(sub)).find(({ handle }) => handle === id)
      return listed !== undefined && (await end(listed, { ...who, sub }))
    },
    revokeAll: async (sub, { except, who, keep } = {}) => {
      // The mark below does not affect listed sessions, and Redis may have evicted the list.
      if (keep) await list.add(keep.login, keep.id)
      // First, so that a login in progress cannot be listed after this reads the list.
      await list.mark(sub)
      const listed = (await list.all(sub)).filter(({ handle }) => handle !== except)
      const lived = await inBatches(listed, (one) => end(one, { ...who, sub }))
      return lived.filter(Boolean).length
    },
    revokeSid: async (sid, who) => {
      // First and permanently, because logins in progress may belong to the same Auth0 session.
      await bySid.mark(sid, true)
      const listed = await bySid.all(sid)
      await inBatches(listed, (one) => end(one, { ...who }))
      await bySid.drop(sid, listed)
    },
  }
}

function describe(found: StoredSession | undefined): SessionInfo[] {
  if (!found?.login) return []
  const { handle, since, ip, userAgent } = found.login
  return [{ id: handle, createdAt: new Date(since), lastSeenAt: new Date(found.seen), ip, userAgent }]
}
