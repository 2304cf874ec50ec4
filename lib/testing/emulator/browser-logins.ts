import type { Answer } from './answer.js'
import { BrowserSessions, type BrowserSession } from './browser-sessions.js'
import { Handles } from './handles.js'
import type { EmulatorApi, EmulatorClock } from './types.js'

export interface CallbackTarget {
  redirectUri: string
  /** Returned unchanged. */
  state: string | undefined
}

export interface PkceChallenge {
  value: string
  method: 'S256' | 'plain'
}

/** A valid request to `/authorize`. */
export interface AuthorizationRequest extends CallbackTarget {
  nonce: string | undefined
  challenge: PkceChallenge | undefined
  requested: string[]
  api: EmulatorApi | undefined
  connection: string
  loginHint: string
}

/** Data behind an authorization code. */
export interface IssuedCode {
  request: AuthorizationRequest
  session: BrowserSession
}

/** State of browser logins. */
export interface BrowserLogins {
  sessions: BrowserSessions
  /** Requests that are on the login page. */
  pending: Handles<AuthorizationRequest>
  codes: Handles<IssuedCode>
}

const PAGE_LIFETIME = { seconds: 3600 }
const CODE_LIFETIME = { seconds: 600 }

export function createBrowserLogins(clock: EmulatorClock): BrowserLogins {
  return {
    sessions: new BrowserSessions(clock),
    pending: new Handles(clock, PAGE_LIFETIME),
    codes: new Handles(clock, CODE_LIFETIME),
  }
}

/** Redirects back with a code. */
export function succeed({ codes }: BrowserLogins, request: AuthorizationRequest, session: BrowserSession): Answer {
  return callback(request, { code: codes.add({ request, session: { ...session } }) })
}

/** Redirects back with a code or an error. */
export function callback({ redirectUri, state }: CallbackTarget, params: Record<string, string>): Answer {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(params)) url.searchParams.append(name, value)
  if (state !== undefined) url.searchParams.append('state', state)
  return redirect(url.href)
}

export function redirect(location: string): Answer {
  return { status: 302, headers: { location } }
}
