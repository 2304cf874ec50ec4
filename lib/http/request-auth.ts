import type { Request } from 'express'
import type { FreshToken } from '../flows/fresh-token.js'
import type { SignOut } from '../flows/sign-out.js'
import type { AccessToken, Wanted } from '../flows/token-choice.js'
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

/** A class, for functions that share all they need: closures over it each keep more of a request from being collected. */
class LiveAuth implements RequestAuth {
  readonly user: RequestAuth['user']
  readonly sub: string
  readonly authenticatedAt: Date
  readonly sessionId: string
  readonly data = {} as RequestAuth['data']
  readonly #req: Request
  readonly #live: Live
  readonly #parts: AuthParts

  constructor(req: Request, live: Live, parts: AuthParts) {
    const { login } = live
    this.user = userOf(login)
    this.sub = login.sub
    this.authenticatedAt = new Date(login.since)
    this.sessionId = login.handle
    this.#req = req
    this.#live = live
    this.#parts = parts
  }

  static scopeOf(auth: RequestAuth): string {
    return #live in auth ? auth.#live.login.scope : ''
  }

  // Their own, so that they can be taken off: const { getAccessToken } = req.auth
  readonly getAccessToken: RequestAuth['getAccessToken'] = (wanted = {}) => this.#getAccessToken(wanted)
  readonly logout: RequestAuth['logout'] = () => this.#logout()

  #getAccessToken(wanted: Wanted): Promise<AccessToken> {
    const { freshToken, completeError } = this.#parts
    const { id, login } = this.#live
    return leaving(freshToken({ id, login, end: () => this.#end() }, wanted, whoAsks(this.#req)), completeError)
  }

  async #logout(): Promise<void> {
    await this.#parts.signOut(this.#req, { ...whoAsks(this.#req), sub: this.sub })
    this.#clearCookie()
  }

  async #end(): Promise<void> {
    // The handler may have logged somebody else in meanwhile: that session stays.
    if (await this.#parts.sessions.end(this.#req, this.#live)) this.#clearCookie()
  }

  #clearCookie(): void {
    if (this.#req.res) this.#parts.clearCookie(this.#req, this.#req.res)
  }
}

/** `req.auth` of a live session. Holds no token: each is fetched when asked for. */
export function authOf(req: Request, live: Live, parts: AuthParts): RequestAuth {
  return new LiveAuth(req, live, parts)
}

export function userOf({ user, sub }: Login): RequestAuth['user'] {
  return { ...user, sub }
}

/** The scopes that Auth0 granted at login. */
export function grantedScope(auth: RequestAuth): string {
  return LiveAuth.scopeOf(auth)
}
