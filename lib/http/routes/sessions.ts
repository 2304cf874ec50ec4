import type { Request, RequestHandler, Response } from 'express'
import { AuthError } from '../../errors.js'
import type { RevokeSessions, SessionInfo } from '../../flows/revoke-sessions.js'
import type { SendError } from '../send-error.js'
import { liveBehind } from '../request-auth.js'
import type { RequestAuth } from '../types.js'
import { whoAsks } from '../who-asks.js'

export interface SessionRoutesParts {
  userSessions: RevokeSessions
  sendError: SendError
}

type Act = (auth: RequestAuth, req: Request, res: Response) => Promise<void>

/** `GET /sessions`, behind `requireAuth`: lists the user's sessions. */
export function listSessions(parts: SessionRoutesParts): RequestHandler {
  return behindAuth(parts, async (auth, _req, res) => {
    const sessions = await parts.userSessions.list(auth.sub)
    res.json({ sessions: sessions.map((info) => shown(info, auth)) })
  })
}

/** `DELETE /sessions/:id`: also 204 for unknown ids and those of other users, so that ids cannot be probed. */
export function revokeSession({ userSessions, sendError }: SessionRoutesParts): RequestHandler {
  return behindAuth({ sendError }, async (auth, req, res) => {
    const id = String(req.params.id)
    if (id === auth.sessionId) await auth.logout()
    else await userSessions.revoke(auth.sub, id, whoAsks(req))
    res.status(204).end()
  })
}

/** `DELETE /sessions`: ends all other sessions of the user. */
export function revokeOtherSessions({ userSessions, sendError }: SessionRoutesParts): RequestHandler {
  return behindAuth({ sendError }, async (auth, req, res) => {
    const keep = liveBehind(auth)
    await userSessions.revokeAll(auth.sub, { except: auth.sessionId, who: whoAsks(req), ...(keep && { keep }) })
    res.status(204).end()
  })
}

function behindAuth({ sendError }: Pick<SessionRoutesParts, 'sendError'>, act: Act): RequestHandler {
  return (req, res, next) => {
    const done = req.auth ? act(req.auth, req, res) : Promise.reject(new AuthError('unauthenticated'))
    done.catch((err: unknown) => {
      sendError(err, { req, res, next })
    })
  }
}

function shown({ id, createdAt, lastSeenAt, ip, userAgent }: SessionInfo, auth: RequestAuth) {
  return {
    id,
    created_at: createdAt,
    last_seen_at: lastSeenAt,
    ip: ip ?? null,
    user_agent: userAgent ?? null,
    current: id === auth.sessionId,
  }
}
