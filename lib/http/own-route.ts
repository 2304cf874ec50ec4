import type { Request, Response } from 'express'
import { AuthError, MissingRequiredArgumentError } from '../errors.js'
import type { Hint } from '../events.js'
import type { Credentials } from '../flows/sign-in.js'
import type { SignOut } from '../flows/sign-out.js'
import type { Config } from '../options/options.js'
import type { ClearCookie } from './clear-cookie.js'
import { leaving } from './complete-error.js'
import { NAME_REQUIRED, readCredentials, type LoginInput } from './credentials.js'
import type { PendingCookie } from '../pending/pending-cookie.js'
import type { LoginUrl } from './login-url.js'
import { isSecure } from './client-address.js'
import type { Check } from './guards/check.js'
import type { LoginDoor } from './login-door.js'
import { setCookie } from './place.js'
import { authOf, currentAuth, userOf, type AuthParts } from './request-auth.js'
import { setPendingCookie } from './routes/login.js'
import type { RequestAuth } from './types.js'
import { whoAsks } from './who-asks.js'

/** Result of `auth.login`. */
export interface LoginResult {
  user: RequestAuth['user']
  sub: string
  /** Public handle of the new session. */
  sessionId: string
  /** When the session ends, regardless of activity. */
  expiresAt: Date
}

export interface OwnRouteParts {
  config: Config
  logIn: LoginDoor
  checks: readonly Check[]
  signOut: SignOut
  clearCookie: ClearCookie
  auth: AuthParts
  mfaCookie: PendingCookie
  loginUrl: LoginUrl
  hint: Hint
}

/** `auth.login` and `auth.logout`, for routes that an app writes itself. */
export function createLogin(parts: OwnRouteParts) {
  const { completeError } = parts.auth
  return {
    login: (req: Request, input: LoginInput): Promise<LoginResult> => leaving(login(parts, req, input), completeError),
    logout: (req: Request): Promise<void> => leaving(logout(parts, req), completeError),
  }
}

async function login(parts: OwnRouteParts, req: Request, input: LoginInput) {
  const { config, logIn, checks, auth, mfaCookie, loginUrl, hint } = parts
  const res = answerOf(req)
  // The same checks as for POST /login.
  const problem = checks.map((check) => check(req)).find(Boolean)
  if (problem) throw problem
  if ((input as unknown) === undefined && Number(req.get('content-length')) > 0) hint('no credentials', NO_CREDENTIALS)
  const credentials = readInput(input, config.allowedRealms)
  const signedIn = await logIn({ req, res }, credentials).catch((err: unknown) => {
    if (err instanceof AuthError) loginUrl.addTo(err, { loginHint: credentials.username })
    setPendingCookie(err, { res, mfaCookie, isSecure: isSecure(req) })
    throw err
  })
  setCookie(res, signedIn)
  req.auth = authOf(req, signedIn, auth)
  const { login } = signedIn
  return { user: userOf(login), sub: login.sub, sessionId: login.handle, expiresAt: new Date(login.until) }
}

const NO_CREDENTIALS =
  'auth.login was called without credentials although the request has a body: if it gets req.body, add express.json() or ' +
  'express.urlencoded() before that route'

async function logout({ signOut, clearCookie, auth }: OwnRouteParts, req: Request): Promise<void> {
  answerOf(req)
  const known = currentAuth(req, auth)
  // Also ends a login that the same request has made, and whose cookie it does not have.
  if (known) return known.logout()
  clearCookie(req)
  await signOut(req, whoAsks(req))
}

function readInput(input: Partial<LoginInput> | undefined, allowedRealms: readonly string[]): Credentials {
  // In Express 5, req.body is undefined without a body.
  const { username, email, password } = input ?? {}
  if (!username && !email) throw new MissingRequiredArgumentError('username', NAME_REQUIRED)
  if (!password) throw new MissingRequiredArgumentError('password')
  return readCredentials(input, allowedRealms)
}

/** Express sets `req.res`, so a route does not have to mount the session. */
function answerOf({ res }: Request): Response {
  if (!res) throw new TypeError('auth.login and auth.logout require the request of an Express handler')
  // Set first, because error responses are private too.
  return res.set('Cache-Control', 'no-store')
}
