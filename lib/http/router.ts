import express, { type RequestHandler, type Router } from 'express'
import { readBody } from './body.js'
import { allowMethods } from './guards/allow-methods.js'
import { malformedUrl, refuseMalformedUrl } from './guards/malformed-url.js'
import { noStore } from './guards/no-store.js'
import type { RequireAuth } from './guard-types.js'
import { requireHttps } from './guards/require-https.js'
import { sameOrigin } from './guards/same-origin.js'
import { checkCredentials, login, type LoginParts } from './routes/login.js'
import { logout, type LogoutParts } from './routes/logout.js'
import { listSessions, revokeOtherSessions, revokeSession, type SessionRoutesParts } from './routes/sessions.js'
import { user } from './routes/user.js'

export interface RouterParts extends LoginParts, LogoutParts, SessionRoutesParts {
  requireAuth: RequireAuth
  limitLogins: RequestHandler
}

/** The routes of contract section 4, each with its guards, in the order in which they run. */
export function createRouter(parts: RouterParts): Router {
  const { config, sendError, requireAuth, limitLogins, hint } = parts
  const door = [
    noStore,
    requireHttps(config.requireHttps, sendError, hint),
    sameOrigin(config.allowedOrigins, sendError, hint),
  ]
  const router = express.Router()

  router.use(refuseMalformedUrl(sendError))

  router
    .route('/login')
    .all(door)
    .post(readBody(sendError), checkCredentials(parts), limitLogins, login(parts))
    .all(allowMethods(['POST'], sendError))

  router
    .route('/user')
    .all(door)
    .get(requireAuth, user)
    .all(allowMethods(['GET', 'HEAD'], sendError))

  router
    .route('/logout')
    .all(door)
    .post(logout(parts))
    .all(allowMethods(['POST'], sendError))

  router
    .route('/sessions')
    .all(door)
    .get(requireAuth, listSessions(parts))
    .delete(requireAuth, revokeOtherSessions(parts))
    .all(allowMethods(['GET', 'HEAD', 'DELETE'], sendError))

  router
    .route('/sessions/:id')
    .all(door)
    .delete(requireAuth, revokeSession(parts))
    .all(allowMethods(['DELETE'], sendError))

  router.use(malformedUrl(sendError))
  return router
}
