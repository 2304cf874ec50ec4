import type { Request } from 'express'
import type { FreshToken } from '../flows/fresh-token.js'
import type { SignOut } from '../flows/sign-out.js'
import type { Login } from '../session/login.js'
import type { Presented, Sessions } from '../session/sessions.js'
import type { ClearCookie } from './clear-cookie.js'
import { leaving, type CompleteError } from './complete-error.js'
import type { RequestAuth } from './types.js'
import { whoAsks } from './who-asks.js'

export interface AuthParts {
  sessions: Sessions
  freshToken: FreshToken
  signOut: SignOut
  clearCookie: ClearCookie
  completeError: CompleteError
}

type Live = Extract<Presented, { state: 'live' }>

const SCOPE = Symbol('scope')

/** `req.auth` of a live session. Holds no token: each is fetched when asked for. */
export function authOf(req: Request, { login, id }: Live, parts: AuthParts): RequestAuth {
  const { sessions, freshToken, signOut, clearCookie, completeError } = parts
  const end = async () => {
    // The handler may have logged somebody else in meanwhile: that session stays.
    const gone = await sessions.end(req, { id, login })
    if (gone && req.res) clearCookie(req, req.res)
  }
  const auth: RequestAuth & { [SCOPE]: string } = {
    [SCOPE]: login.scope,
    user: userOf(login),
    sub: login.sub,
    authenticatedAt: new Date(login.since),
    sessionId: login.handle,
    getAccessToken: (wanted = {}) => leaving(freshToken({ id, login, end }, wanted, whoAsks(req)), completeError),
    logout: async () => {
      await signOut(req, { ...whoAsks(req), sub: login.sub })
      if (req.res) clearCookie(req, req.res)
    },
  }
  return auth
}

export function userOf({ user, sub }: Login): RequestAuth['user'] {
  return { ...user, sub }
}

/** The scopes that Auth0 granted at login. */
export function grantedScope(auth: RequestAuth): string {
  return (auth as { [SCOPE]?: string })[SCOPE] ?? ''
}
