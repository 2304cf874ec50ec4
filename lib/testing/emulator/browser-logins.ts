import type { Answer } from './answer.js'
import { BrowserSessions, type BrowserSession } from './browser-sessions.js'
import { Handles } from './handles.js'
import type { EmulatorApi, EmulatorClock } from './types.js'

/** Final redirect target. */
export interface CallbackTarget {
  redirectUri: string
  /** Returned as it came. */
  state: string | undefined
}

export interface PkceChallenge {
  value: string
  method: 'S256' | 'plain'
}

/** A request to `/authorize` that was found in order. */
export interface AuthorizationRequest extends CallbackTarget {
  nonce: string | undefined
  challenge: PkceChallenge | undefined
  requested: string[]
  api: EmulatorApi | undefined
  connection: string
  loginHint: string
}

/** What an authorization code stands for. */
export interface IssuedCode {
  request: AuthorizationRequest
  session: BrowserSession
}

/** State of the logins that go through a browser. */
export interface BrowserLogins {
  sessions: BrowserSessions
  /** Requests that wait at the login page. */
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

/** Sends the browser back with a code. */
export function succeed({ codes }: BrowserLogins, request: AuthorizationRequest, session: BrowserSession): Answer {
  return callback(request, { code: codes.add({ request, session: { ...session } }) })
}

/** Sends the browser back with a code or an error. */
export function callback({ redirectUri, state }: CallbackTarget, params: Record<string, string>): Answer {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(params)) url.searchParams.append(name, value)
  if (state !== undefined) url.searchParams.append('state', state)
  return redirect(url.href)
}

export function redirect(location: string): Answer {
  return { status: 302, headers: { location } }
}
