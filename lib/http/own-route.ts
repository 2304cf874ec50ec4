import type { Request } from 'express'
import { MissingRequiredArgumentError } from '../errors.js'
import type { Credentials, SignIn } from '../flows/sign-in.js'
import type { SignOut } from '../flows/sign-out.js'
import type { Presented, Sessions } from '../session/sessions.js'
import type { Config } from '../options.js'
import type { ClearCookie } from './clear-cookie.js'
import { readCredentials, type LoginInput } from './credentials.js'
import { userOf } from './request-auth.js'
import type { RequestAuth } from './types.js'
import { whoAsks } from './who-asks.js'

/** A login made in an app's own route. */
export interface LoginResult {
  user: RequestAuth['user']
  sub: string
  /** Public handle of the new session. */
  sessionId: string
  /** When the session ends at the latest. */
  expiresAt: Date
}

export interface OwnRouteParts {
  config: Config
  sessions: Sessions
  signIn: SignIn
  signOut: SignOut
  clearCookie: ClearCookie
}

/** `auth.login` and `auth.logout`, for routes that an app writes itself. */
export function createLogin({ config, sessions, signIn, signOut, clearCookie }: OwnRouteParts) {
  return {
    login: async (req: Request, input: LoginInput): Promise<LoginResult> => {
      const credentials = readInput(input, config.allowedRealms)
      await open(sessions, req)
      const { login } = await signIn(req, credentials, whoAsks(req))
      return { user: userOf(login), sub: login.sub, sessionId: login.handle, expiresAt: new Date(login.until) }
    },
    logout: async (req: Request): Promise<void> => {
      const presented = await open(sessions, req)
      const sub = presented.state === 'live' ? presented.login.sub : undefined
      await signOut(req, { ...whoAsks(req), ...(sub !== undefined && { sub }) })
      if (req.res) clearCookie(req, req.res)
    },
  }
}

function readInput(input: Partial<LoginInput> | undefined, allowedRealms: readonly string[]): Credentials {
  // Express 5 leaves req.body undefined where there was none.
  const { rememberMe, ...body } = input ?? {}
  if (!body.username && !body.email) throw new MissingRequiredArgumentError('username')
  if (!body.password) throw new MissingRequiredArgumentError('password')
  return readCredentials({ ...body, ...(rememberMe !== undefined && { remember_me: rememberMe }) }, allowedRealms)
}

/** Express hangs the answer on the request, so a route need not mount the session itself. */
function open(sessions: Sessions, req: Request): Promise<Presented> {
  req.res?.set('Cache-Control', 'no-store')
  if (!req.res) throw new TypeError('auth.login and auth.logout take the request of an Express handler')
  return sessions.open(req, req.res)
}
