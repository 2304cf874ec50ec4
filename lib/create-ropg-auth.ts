import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Request, Router } from 'express'
import { createAuth0Client, type Auth0Client } from './auth0/client.js'
import { createVerifySignature } from './auth0/id-token.js'
import { passwordGrant, type PasswordGrantArguments, type PasswordGrantParts } from './auth0/password-grant.js'
import { refreshGrant, type RefreshGrantArguments } from './auth0/refresh-grant.js'
import { revokeRefreshToken } from './auth0/revocation.js'
import type { Grant } from './auth0/token-response.js'
import { ApiError, ConfigurationError, type AuthError } from './errors.js'
import { createHint, createReport, type Hint } from './events.js'
import { createStoreTokens } from './flows/store-tokens.js'
import { createRefreshTokens } from './flows/refresh-tokens.js'
import { createFreshToken } from './flows/fresh-token.js'
import { createUserSessions, type UserSessions } from './flows/revoke-sessions.js'
import { createRevocations } from './flows/revoke-later.js'
import { createSignIn, nameOf, type SignInParts } from './flows/sign-in.js'
import { createSignOut } from './flows/sign-out.js'
import { createAuthenticate, createIdentify, type Identify } from './http/authenticate.js'
import { createClearCookie } from './http/clear-cookie.js'
import { createCompleteError } from './http/complete-error.js'
import { AttemptStore } from './http/guards/attempt-store.js'
import { limitSubnet } from './http/guards/rate-limit.js'
import type {
  AuthMiddleware,
  OptionalAuth,
  RequireAuth,
  RequireClaim,
  RequirePermission,
  RequireRecentLogin,
  RequireScope,
} from './http/guard-types.js'
import { createOptionalAuth, createRequireAuth } from './http/guards/require-auth.js'
import { createRequireClaim } from './http/guards/require-claim.js'
import { createRequirePermission } from './http/guards/require-permission.js'
import { createRequireRecentLogin } from './http/guards/require-recent-login.js'
import { createRequireScope } from './http/guards/require-scope.js'
import type { LoginInput } from './http/credentials.js'
import { createLogin, type LoginResult } from './http/own-route.js'
import { createRouter } from './http/router.js'
import type { AuthParts } from './http/request-auth.js'
import type { RequestAuth } from './http/types.js'
import { credentialsOf } from './http/routes/login.js'
import { mountSession } from './http/guards/mount-session.js'
import { createSendError, type SendError } from './http/send-error.js'
import type { Config, RopgAuthOptions, Seams } from './options/options.js'
import { resolveOptions } from './options/resolve-options.js'
import { tenantTag } from './options/tenant-tag.js'
import { leaveTestDoor, type TestDoor } from './flows/test-door.js'
import { createSeal } from './session/seal.js'
import { createSessions, type Sessions } from './session/sessions.js'
import { useCookie } from './options/shared-cookie.js'
import { openStore } from './store/store.js'

/** The protocol without sessions. */
export interface RopgClient {
  /** Password grant. Rejects with `TokenByPasswordError`, `MissingRequiredArgumentError`, `ApiError`, `ConfigurationError`. */
  getTokenByPassword: (input: PasswordGrantArguments) => Promise<Grant>
  /** Refresh grant. Rejects with `session_expired` when Auth0 refuses the token for good. */
  refresh: (input: RefreshGrantArguments) => Promise<Grant>
  /** Revokes a refresh token. */
  revoke: (refreshToken: string) => Promise<void>
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the route infers for its params and bodies
type AnyRequest = Request<any, any, any, any>

export interface RopgAuth {
  /** Routes, to be mounted anywhere. */
  router: Router
  /** Sets `req.auth`, or answers 401 `unauthenticated` or `session_expired`. */
  requireAuth: RequireAuth
  /** Like `requireAuth`, but lets requests without a login pass; never answers 401. */
  optionalAuth: OptionalAuth
  requireScope: RequireScope
  requireClaim: RequireClaim
  requirePermission: RequirePermission
  requireRecentLogin: RequireRecentLogin
  /** `req.session` of the login session, for the app's own data. Sets `req.auth`, too. Mount it only if you need it. */
  session: AuthMiddleware
  /** Who is logged in, for any request of Node: an upgrade, GraphQL, tRPC. Rejects with `session_unavailable`. */
  authenticate: (req: IncomingMessage) => Promise<RequestAuth | undefined>
  /** What `POST /login` does, for a route of your own. Bring your own rate limit there. Rejects with an `AuthError`. */
  login: (req: AnyRequest, input: LoginInput) => Promise<LoginResult>
  /** What `POST /logout` does. */
  logout: (req: AnyRequest) => Promise<void>
  /** The sessions of a user: list, revoke, revokeAll. */
  sessions: UserSessions
  client: RopgClient
  /** Resolves once Auth0 was discovered and the session store answered; rejects with what is wrong. */
  ready: () => Promise<void>
  /** Finishes what runs in the background and closes what the package opened. May be called again. */
  close: () => Promise<void>
}

/**
 * Password login through Auth0 for an Express app.
 *
 * @throws ConfigurationError when an option is missing, unknown or invalid; the message names it.
 */
export function createRopgAuth(options: RopgAuthOptions = {}, seams: Seams = {}): RopgAuth {
  const config = resolveOptions(options, seams)
  const report = createReport(config)
  const hint = createHint(config.logger)
  const completeError = createCompleteError(config)
  const sendError = createSendError({ ...config, completeError })
  const seal = createSeal(config.session.secrets)
  const auth0 = createAuth0Client(config)
  const password = { client: auth0, config, verify: createVerifySignature(auth0, config) }
  const prefix = `${config.session.prefix}${tenantTag(config)}:`
  const store = openStore(config, prefix, report)
  const { revoke, drain } = createRevocations(auth0, config.logger)
  const sessions = createSessions({ config, ...store, prefix, seal, orphaned: revoke })
  const attempts = new AttemptStore(attemptPrefix(config, prefix), store.evaluate)
  const userNameOf = (req: Request) => nameOf(credentialsOf(req), { config, seal })

  const { signIn, signOut, userSessions } = createFlows({ config, password, sessions, seal, report, revoke, hint })
  const { freshToken, finishRefreshes } = createTokenFlow({ config, auth0, sessions, report, revoke, hint })
  const clearCookie = createClearCookie(config.session)
  const authParts: AuthParts = { sessions, freshToken, signOut, clearCookie, completeError }
  const identify = createIdentify(authParts)
  const limitLogins = limitSubnet(config.subnetLimit, { store: attempts, report, sendError, userNameOf })
  const guards = createGuards({ now: sessions.now, identify, sendError, hint })
  const parts = { config, signIn, signOut, clearCookie, auth: authParts, hint }
  const auth: RopgAuth = {
    router: createRouter({ ...parts, ...guards, userSessions, sendError, limitLogins }),
    ...guards,
    session: mountSession(authParts, sendError),
    authenticate: createAuthenticate(identify, authParts),
    ...createLogin(parts),
    sessions: userSessions,
    client: createClient(password),
    ready: () => allOf([auth0.configuration(), sessions.now()]),
    close: once(() =>
      inTurn([giveBackCookie, finishRefreshes, drain, () => attempts.shutdown(), store.close, () => auth0.close()]),
    ),
  }
  const giveBackCookie = useCookie(config.session.cookie, config.logger)
  leaveTestDoor(auth, doorTo(sessions, config))
  return auth
}

function createFlows(parts: SignInParts) {
  const { config, sessions, report } = parts
  const told = { clock: config.clock, sessions, report }
  return { signIn: createSignIn(parts), signOut: createSignOut(told), userSessions: createUserSessions(told) }
}

interface GuardParts {
  now: Sessions['now']
  identify: Identify
  sendError: SendError
  hint: Hint
}

function createGuards({ now, identify, sendError, hint }: GuardParts) {
  return {
    requireAuth: createRequireAuth(identify, sendError, hint),
    optionalAuth: createOptionalAuth(identify, sendError),
    requireScope: createRequireScope(sendError),
    requireClaim: createRequireClaim(sendError),
    requirePermission: createRequirePermission(sendError, hint),
    requireRecentLogin: createRequireRecentLogin(sendError, now),
  }
}

/** Neither another tenant nor another limit counts on the same key. */
function attemptPrefix(config: Config, prefix: string): string {
  const { limit, windowMs } = config.subnetLimit || { limit: 0, windowMs: 0 }
  return `${prefix}rl:${windowMs}:${limit}:`
}

async function inTurn(tasks: (() => unknown)[]): Promise<void> {
  for (const task of tasks) await task()
}

function createClient(password: PasswordGrantParts): RopgClient {
  const { client: auth0, config } = password
  return {
    getTokenByPassword: (input) => passwordGrant(password, input),
    refresh: (input) => refreshGrant(auth0, config, input),
    revoke: (refreshToken) => revokeRefreshToken(auth0, refreshToken),
  }
}

function createTokenFlow({
  config,
  auth0,
  sessions,
  report,
  revoke,
  hint,
}: Omit<SignInParts, 'seal' | 'password'> & { auth0: Auth0Client }) {
  const { vault, lock } = sessions
  const storeTokens = createStoreTokens(vault, revoke)
  const refresh = createRefreshTokens({ config, auth0, vault, storeTokens, report, revoke })
  return { freshToken: createFreshToken({ config, vault, lock, refresh, hint }), finishRefreshes: refresh.drain }
}

/** Rejects with the first error; its detail lists all of them, so that they can be fixed at once. */
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
      // As if over HTTPS, so that a Secure cookie is set.
      const { cookie } = await sessions.establish(fresh, { req, isSecure: true })
      return cookie ?? ''
    },
  }
}
