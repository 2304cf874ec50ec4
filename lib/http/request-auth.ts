import type { IncomingMessage } from 'node:http'
import { AuthError } from '../errors.js'
import type { FreshToken } from '../flows/fresh-token.js'
import type { SignOut } from '../flows/sign-out.js'
import type { Login } from '../session/login.js'
import type { Live } from '../session/session-records.js'
import type { Sessions } from '../session/sessions.js'
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

/** A class, because closures per request would be slower. */
class LiveAuth implements RequestAuth {
  readonly user: RequestAuth['user']
  readonly sub: string
  readonly authenticatedAt: Date
  readonly sessionId: string
  readonly data: RequestAuth['data']
  readonly #req: IncomingMessage
  readonly #live: Live
  readonly #parts: AuthParts
  /** Whether `req.session` is part of this session. */
  readonly #isMounted: boolean
  #isOver = false

  constructor(req: IncomingMessage, live: Live, parts: AuthParts) {
    const { login } = live
    this.user = userOf(login)
    this.sub = login.sub
    this.authenticatedAt = new Date(login.authenticated ?? login.since)
    this.sessionId = login.handle
    this.data = login.data ?? {}
    this.#req = req
    this.#live = live
    this.#parts = parts
    this.#isMounted = parts.sessions.mounted(req)?.id === live.id
  }

  static liveOf(auth: unknown): Live | undefined {
    return typeof auth === 'object' && auth !== null && #live in auth ? auth.#live : undefined
  }

  static isOf(auth: unknown, parts: AuthParts): auth is LiveAuth {
    return typeof auth === 'object' && auth !== null && #live in auth && auth.#parts === parts
  }

  /** Whether the session has ended in this request. The app can also destroy `req.session`. */
  get #hasEnded(): boolean {
    return this.#isOver || (this.#isMounted && this.#parts.sessions.mounted(this.#req)?.id !== this.#live.id)
  }

  static isCurrent(auth: unknown, parts: AuthParts): auth is LiveAuth {
    return LiveAuth.isOf(auth, parts) && !auth.#hasEnded
  }

  // Properties, so that destructuring works: const { getAccessToken } = req.auth
  readonly getAccessToken: RequestAuth['getAccessToken'] = async (wanted = {}) => {
    if (this.#hasEnded) throw new AuthError('session_expired')
    const { freshToken, completeError } = this.#parts
    const { id, login, tokens } = this.#live
    const owner = { id, login, tokens: tokens?.(), end: () => this.#end() }
    return leaving(
      freshToken(owner, wanted, () => whoAsks(this.#req)),
      completeError,
    )
  }

  readonly logout: RequestAuth['logout'] = async () => {
    this.#isOver = true
    const { signOut, clearCookie, completeError } = this.#parts
    clearCookie(this.#req)
    await leaving(signOut(this.#req, whoAsks(this.#req), this.#live.id), completeError)
  }

  async #end(): Promise<void> {
    this.#isOver = true
    await this.#parts.sessions.end(this.#live.id, this.#live.login)
  }
}

/** `req.auth` of a live session. It contains no tokens. */
export function authOf(req: IncomingMessage, live: Live, parts: AuthParts): RequestAuth {
  return new LiveAuth(req, live, parts)
}

/** `req.auth`, if this instance set it and the session has not ended since. */
export function currentAuth({ auth }: WithAuth, parts: AuthParts): RequestAuth | undefined {
  return LiveAuth.isCurrent(auth, parts) ? auth : undefined
}

/** Whether this instance set `req.auth`, even if the session has ended since. */
export function isOwnAuth({ auth }: WithAuth, parts: AuthParts): boolean {
  return LiveAuth.isOf(auth, parts)
}

/** Removes `req.auth` of another instance, or of a session that has ended. Keeps that of another package. */
export function removeAuth(req: IncomingMessage & WithAuth): void {
  if (LiveAuth.liveOf(req.auth)) req.auth = undefined
}

interface WithAuth {
  auth?: unknown
}

export function userOf({ user, sub }: Login): RequestAuth['user'] {
  return { ...user, sub }
}

/** The session behind `req.auth`. Undefined if another package set it. */
export function liveBehind(auth: RequestAuth): Live | undefined {
  return LiveAuth.liveOf(auth)
}
