import type { IncomingMessage } from 'node:http'
import type { FreshToken } from '../flows/fresh-token.js'
import type { SignOut } from '../flows/sign-out.js'
import type { Login } from '../session/login.js'
import type { Live } from '../session/session-vault.js'
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
  }

  static liveOf(auth: RequestAuth): Live | undefined {
    return #live in auth ? auth.#live : undefined
  }

  static isCurrent(auth: object, parts: AuthParts): auth is LiveAuth {
    return #live in auth && auth.#parts === parts && !auth.#isOver
  }

  // Properties, so that destructuring works: const { getAccessToken } = req.auth
  readonly getAccessToken: RequestAuth['getAccessToken'] = (wanted = {}) => {
    const { freshToken, completeError } = this.#parts
    const { id, login, tokens } = this.#live
    const owner = { id, login, tokens: this.#isOver ? undefined : tokens?.(), end: () => this.#end() }
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
export function currentAuth(req: { auth?: unknown }, parts: AuthParts): RequestAuth | undefined {
  const { auth } = req
  return typeof auth === 'object' && auth !== null && LiveAuth.isCurrent(auth, parts) ? auth : undefined
}

export function userOf({ user, sub }: Login): RequestAuth['user'] {
  return { ...user, sub }
}

/** The login behind `req.auth`. Undefined if another package set it. */
export function loginBehind(auth: RequestAuth): Login | undefined {
  return LiveAuth.liveOf(auth)?.login
}

/** The session behind `req.auth`. */
export function liveBehind(auth: RequestAuth): Live | undefined {
  return LiveAuth.liveOf(auth)
}
