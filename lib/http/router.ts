import express, { type RequestHandler, type Router } from 'express'
import type { Hint } from '../events.js'
import { readBody } from './body.js'
import { allowMethods } from './guards/allow-methods.js'
import { malformedUrl, refuseMalformedUrl } from './guards/malformed-url.js'
import { noStore } from './guards/no-store.js'
import { noticeRoot } from './guards/notice-root.js'
import type { RequireAuth } from './guard-types.js'
import { guardWith, type Check } from './guards/check.js'
import type { Limits } from './guards/limits.js'
import { backchannelLogout, type BackchannelLogoutRouteParts } from './routes/backchannel-logout.js'
import { resetPassword, signUp, type DatabaseRoutesParts } from './routes/database-account.js'
import { beginLogin, finishLogin, type InteractiveRoutesParts } from './routes/interactive.js'
import { login, type LoginParts } from './routes/login.js'
import { logout, type LogoutParts } from './routes/logout.js'
import * as mfa from './routes/mfa.js'
import { listSessions, revokeOtherSessions, revokeSession, type SessionRoutesParts } from './routes/sessions.js'
import { user } from './routes/user.js'

export interface RouterParts
  extends
    LoginParts,
    LogoutParts,
    SessionRoutesParts,
    mfa.MfaRoutesParts,
    Omit<InteractiveRoutesParts, 'interactive'>,
    BackchannelLogoutRouteParts,
    DatabaseRoutesParts {
  requireAuth: RequireAuth
  limits: Limits
  hint: Hint
  /** Checks that run first in every route. */
  checks: readonly Check[]
}

/** All routes with their guards, in the order in which they run. */
export function createRouter(parts: RouterParts): Router {
  const { config, sendError, loginUrl } = parts
  const ways: Ways = {
    router: express.Router(),
    door: [noStore, ...parts.checks.map((check) => guardWith(check, sendError))],
    body: readBody(sendError, parts.hint),
    only: (...methods) => allowMethods(methods, sendError),
  }
  const { router } = ways
  router.use((req, _res, next) => {
    loginUrl.seen(req)
    next()
  })
  router.use(refuseMalformedUrl(sendError))
  addLogin(ways, parts)
  addSession(ways, parts)
  if (config.mfa === 'api') addMfa(ways, parts)
  addAccounts(ways, parts)
  router.use(malformedUrl(sendError))
  return router
}

interface Ways {
  router: Router
  door: RequestHandler[]
  body: RequestHandler[]
  /** Last handler of a route, which refuses other methods. */
  only: (...methods: string[]) => RequestHandler
}

function addLogin({ router, door, body, only }: Ways, parts: RouterParts): void {
  const { interactive } = parts.config
  const route = router.route('/login')
  if (!interactive) {
    // A route that is off does not exist.
    route.get((_req, _res, next) => {
      next('route')
    })
    route.all(door).post(body, login(parts)).all(only('POST'))
    return
  }
  route.all(door).post(body, login(parts))
  route.get(beginLogin({ ...parts, interactive })).all(only('GET', 'HEAD', 'POST'))
  router
    .route('/callback')
    .all(door)
    .get(finishLogin({ ...parts, interactive }))
    .all(only('GET', 'HEAD'))
}

function addSession({ router, door, only }: Ways, parts: RouterParts): void {
  const { requireAuth } = parts
  const root = noticeRoot(parts.hint)
  router.route('/user').all(door).get(root, requireAuth, user).all(only('GET', 'HEAD'))
  router.route('/logout').all(door).post(logout(parts)).all(only('POST'))
  router
    .route('/sessions')
    .all(door)
    .get(root, requireAuth, listSessions(parts))
    .delete(requireAuth, revokeOtherSessions(parts))
    .all(only('GET', 'HEAD', 'DELETE'))
  router.route('/sessions/:id').all(door).delete(requireAuth, revokeSession(parts)).all(only('DELETE'))
}

function addMfa({ router, door, body, only }: Ways, parts: RouterParts): void {
  const waiting = mfa.findWaiting(parts)
  router.route('/mfa/authenticators').all(door).get(waiting, mfa.listAuthenticators(parts)).all(only('GET', 'HEAD'))
  router.route('/mfa/challenge').all(door).post(body, waiting, mfa.challenge(parts)).all(only('POST'))
  router.route('/mfa/verify').all(door).post(body, waiting, mfa.verify(parts)).all(only('POST'))
  router.route('/mfa/enroll').all(door).post(body, waiting, mfa.enroll(parts)).all(only('POST'))
}

function addAccounts({ router, door, body, only }: Ways, parts: RouterParts): void {
  const { config } = parts
  const add = (path: string, handler: RequestHandler) =>
    router.route(path).all(door).post(body, handler).all(only('POST'))
  if (config.signup) add('/signup', signUp(parts))
  if (config.passwordReset) add('/password-reset', resetPassword(parts))
  if (config.backchannelLogout) add('/backchannel-logout', backchannelLogout(parts))
}
