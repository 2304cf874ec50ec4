import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Request, Router } from 'express'
import { createAuth0Client } from './auth0/client.js'
import { createVerifySignature } from './auth0/id-token.js'
import { createVerifyLogoutToken } from './auth0/logout-token.js'
import { createRopgClient, type RopgClient } from './auth0/ropg-client.js'
import { createTenantKeys } from './auth0/tenant-keys.js'
import { endsWithin } from './deadline.js'
import { ApiError, ConfigurationError, type AuthError } from './errors.js'
import { createHint, createReport, type Hint } from './events.js'
import { createFlows } from './flows/create-flows.js'
import type { UserSessions } from './flows/revoke-sessions.js'
import { createRevocations } from './flows/revoke-later.js'
import { createAuthenticate, createIdentify, type Identify } from './http/authenticate.js'
import { createClearCookie } from './http/clear-cookie.js'
import { createCompleteError } from './http/complete-error.js'
import type {
  AuthMiddleware,
  OptionalAuth,
  RequireAuth,
  RequireClaim,
  RequirePermission,
  RequireRecentLogin,
  RequireScope,
} from './http/guard-types.js'
import type { GuardTools } from './http/guards/behind-auth.js'
import { createOptionalAuth, createRequireAuth } from './http/guards/require-auth.js'
import { createRequireClaim } from './http/guards/require-claim.js'
import { createRequirePermission } from './http/guards/require-permission.js'
import { createRequireRecentLogin } from './http/guards/require-recent-login.js'
import { createRequireScope } from './http/guards/require-scope.js'
import type { LoginInput } from './http/credentials.js'
import { createLimits } from './http/guards/limits.js'
import { createLoginDoor } from './http/login-door.js'
import { requireHttps } from './http/guards/require-https.js'
import { sameOrigin } from './http/guards/same-origin.js'
import { createLoginUrl } from './http/login-url.js'
import { createLogin, type LoginResult } from './http/own-route.js'
import { createAnswer, pageOfGuards, pageOfRoutes } from './http/pages.js'
import { createRouter } from './http/router.js'
import type { AuthParts } from './http/request-auth.js'
import type { RequestAuth } from './http/types.js'
import { mountSession } from './http/guards/mount-session.js'
import { createSendError } from './http/send-error.js'
import type { Config, RopgAuthOptions, Seams } from './options/options.js'
import { resolveOptions } from './options/resolve-options.js'
import { tenantTag } from './options/tenant-tag.js'
import { leaveTestDoor, type TestDoor } from './flows/test-door.js'
import { createPendingCookie } from './pending/pending-cookie.js'
import { signingKeys } from './session/cookie.js'
import { createSeal } from './session/seal.js'
import { createSessions, type Sessions } from './session/sessions.js'
import { useCookie } from './options/shared-cookie.js'
import { openStore } from './store/store.js'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any params and bodies that a route infers
type AnyRequest = Request<any, any, any, any>

export interface RopgAuth {
  /** Routes for login, logout, the current user, and sessions. Mount it at any path. */
  router: Router
  /** Sets `req.auth`, or responds with 401 `unauthenticated` or `session_expired`, or 503 `session_unavailable`. */
  requireAuth: RequireAuth
  /** Like `requireAuth`, but lets requests without a login pass. Never responds with 401. */
  optionalAuth: OptionalAuth
  requireScope: RequireScope
  requireClaim: RequireClaim
  requirePermission: RequirePermission
  requireRecentLogin: RequireRecentLogin
  /** Sets `req.session`, for the app's own data, and `req.auth`. Mount it only if you need it. */
  session: AuthMiddleware
  /** Returns who is logged in, for any Node request (upgrade, GraphQL, tRPC). Rejects with `session_unavailable`. */
  authenticate: (req: IncomingMessage) => Promise<RequestAuth | undefined>
  /** Does what `POST /login` does, including limits and checks, in your own route. Rejects with an `AuthError`. */
  login: (req: AnyRequest, input: LoginInput) => Promise<LoginResult>
  /** Does what `POST /logout` does, without its origin check. Rejects with `session_unavailable`. */
  logout: (req: AnyRequest) => Promise<void>
  /** Lists and revokes the sessions of a user. */
  sessions: UserSessions
  /** Auth0's grants, MFA API, signup, and password reset, without sessions. */
  client: RopgClient
  /** Resolves once Auth0 and the session store respond, or rejects with an `AuthError`. */
  ready: () => Promise<void>
  /** Waits up to 3 seconds for background work, then closes all connections that the package opened. Idempotent. */
  close: () => Promise<void>
}

/**
 * Password login through Auth0 for an Express app.
 *
 * @throws ConfigurationError if an option is missing, unknown, or invalid. The message names each one.
 */
export function createRopgAuth(options: RopgAuthOptions = {}, seams: Seams = {}): RopgAuth {
  const config = resolveOptions(options, seams)
  const { auth0, password, flows, cookies, store, sessions, seal, report, hint, prefix, drain } = createInside(config)
  const { signIn, signOut, freshToken, finishRefreshes, userSessions } = flows

  const loginUrl = createLoginUrl(config)
  const completeError = createCompleteError({ ...config, loginUrl })
  const sendError = createSendError({ ...config, completeError, errorPage: pageOfGuards(config.pages) })
  const answerError = createSendError({ ...config, completeError, errorPage: pageOfRoutes(config) })
  const clearCookie = createClearCookie(config.session, cookies.mfaCookie)
  const authParts: AuthParts = { sessions, freshToken, signOut, clearCookie, completeError }
  const identify = createIdentify(authParts)
  const limits = createLimits({ config, prefix, store, seal, hint })
  const checks = [requireHttps(config, hint), sameOrigin(config, hint)]
  const logIn = createLoginDoor({ config, signIn, limits, now: sessions.now, seal, report, hint })
  const guards = createGuards({ config, auth: authParts, identify, sendError, hint })
  const parts = { config, logIn, checks, signOut, clearCookie, auth: authParts, hint, loginUrl, ...cookies }
  const auth: RopgAuth = {
    router: createRouter({
      ...{ ...flows, ...parts, sessions, sendError: answerError, limits },
      answer: createAnswer(config.pages),
      requireAuth: createRequireAuth(identify, answerError, hint),
    }),
    ...guards,
    session: mountSession(authParts, sendError, checks),
    authenticate: createAuthenticate(identify, authParts),
    ...createLogin(parts),
    sessions: userSessions,
    client: createRopgClient(password),
    ready: () => allOf([auth0.configuration(), sessions.now()]),
    close: once(async () => {
      giveBackCookie()
      const isFinished = await endsWithin(FINISH_WITHIN, inTurn([finishRefreshes, drain]))
      if (!isFinished) config.logger?.warn({}, UNFINISHED)
      await inTurn([limits.shutdown, store.close, () => auth0.close()])
    }),
  }
  const giveBackCookie = useCookie(config.session.cookie, config.logger)
  leaveTestDoor(auth, doorTo(sessions, config))
  return auth
}

/** The parts behind the public API. */
function createInside(config: Config) {
  const report = createReport(config)
  const hint = createHint(config.logger)
  const seal = createSeal(config.session.secrets)
  const auth0 = createAuth0Client(config)
  const keys = createTenantKeys(auth0, config)
  const password = { client: auth0, config, verify: createVerifySignature(auth0, config, keys) }
  const prefix = `${config.session.prefix}${tenantTag(config)}:`
  const store = openStore(config, prefix, report)
  const { revoke, drain } = createRevocations(auth0, config.logger)
  const sessions = createSessions({ config, ...store, prefix, seal, orphaned: revoke, report })
  const cookies = pendingCookies(config, store.closed)
  const flows = createFlows({
    ...{ config, auth0, password, records: store.records, sessions, prefix, seal, report, hint, revoke },
    verifyLogoutToken: createVerifyLogoutToken(auth0, config, keys),
    mfaCookie: cookies.mfaCookie,
  })
  return { auth0, password, flows, cookies, store, sessions, seal, report, hint, prefix, drain }
}

function pendingCookies({ session }: Config, closed: () => Error | undefined) {
  const parts = { cookie: session.cookie, keys: signingKeys(session.secrets), closed }
  return { mfaCookie: createPendingCookie(parts, 'mfa'), browserCookie: createPendingCookie(parts, 'interactive') }
}

interface GuardParts extends GuardTools {
  config: Config
  identify: Identify
  hint: Hint
}

function createGuards({ config, identify, hint, ...tools }: GuardParts) {
  const { sendError, auth } = tools
  return {
    requireAuth: createRequireAuth(identify, sendError, hint),
    optionalAuth: createOptionalAuth(identify, sendError),
    requireScope: createRequireScope({ ...tools, config, hint }),
    requireClaim: createRequireClaim(tools),
    requirePermission: createRequirePermission(tools, hint),
    requireRecentLogin: createRequireRecentLogin(tools, auth.sessions.now),
  }
}

/** Milliseconds. Hosts often kill a process a few seconds after SIGTERM. */
const FINISH_WITHIN = 3000
const UNFINISHED = 'auth.close() stopped waiting for refreshes or revocations that Auth0 or Redis has not answered'

async function inTurn(tasks: (() => unknown)[]): Promise<void> {
  for (const task of tasks) await task()
}

/** Rejects with the first error. If there are several, `detail` lists all of them. */
async function allOf(parts: Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(parts)
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as AuthError] : []))
  const [first, ...others] = reasons
  if (!first) return
  if (others.length === 0) throw first
  const detail = reasons.map((reason) => reason.detail).join('; ')
  throw first.code === 'configuration_error' ? new ConfigurationError(detail) : new ApiError({ detail })
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => (running ??= run())
}

function doorTo(sessions: Sessions, { scope, audience, clock }: Config): TestDoor {
  return {
    defaultScope: scope,
    clock,
    stage: async ({ accessToken, expiresAt, ...login }) => {
      const req = new IncomingMessage(new Socket())
      const tokenSet = { accessToken, tokenType: 'Bearer', audience, scope: login.scope, expiresAt }
      const fresh = { ...login, tokenSets: [tokenSet], since: await sessions.now() }
      // Treated as HTTPS, so that a Secure cookie is set.
      const { cookie } = await sessions.establish(fresh, { req, isSecure: true })
      return cookie ?? ''
    },
  }
}
