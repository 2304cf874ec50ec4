import type { Report } from '../events.js'
import { inBatches } from '../session/in-batches.js'
import type { StoredSession } from '../session/session-records.js'
import type { Live } from '../session/session-records.js'
import type { Sessions } from '../session/sessions.js'
import type { Listed } from '../session/user-list.js'
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
  revokeAll: (sub: string, options?: { except?: string | undefined; who?: WhoAsks; keep?: Live }) => Promise<number>
  /** Ends what came from a session at Auth0 that is over, and what will still come from it. */
  revokeSid: (sid: string, who?: WhoAsks) => Promise<void>
}

export interface RevokeSessionsParts {
  clock: () => number
  sessions: Sessions
  report: Report
}

type End = (listed: Listed, who: WhoAsks & { sub?: string }) => Promise<boolean>

/** Ends one session; tells whether it lived. */
function createEnd({ clock, sessions, report }: RevokeSessionsParts): End {
  return async ({ id, handle }, who) => {
    const started = clock()
    const ended = await sessions.end(id)
    const lived = ended !== undefined
    const sub = ended?.login?.sub ?? who.sub
    const facts = { ...who, ...(sub !== undefined && { sub }), sessionId: handle, durationMs: clock() - started }
    if (lived) report({ name: 'session.revoked', ...facts })
    // Nobody has dropped the pointer to what was gone already.
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
      // On the list it is safe from the mark, also where the store had evicted the list.
      if (keep) await list.add(keep.login, keep.id)
      // First: a login that is under way must not be listed after the list was read.
      await list.mark(sub)
      const listed = (await list.all(sub)).filter(({ handle }) => handle !== except)
      const lived = await inBatches(listed, (one) => end(one, { ...who, sub }))
      return lived.filter(Boolean).length
    },
    revokeSid: async (sid, who) => {
      // First, and for good: a login under way, or one whose browser has yet to come back, belongs to it as well.
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
