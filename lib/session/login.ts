import type { SessionData } from 'express-session'

declare module 'express-session' {
  interface SessionData {
    /** Who is logged in; written by express-auth0-ropg. Holds no token. */
    ropg?: Login
  }
}

/** Who is logged in, since when and until when: the part of the session blob that is ours. */
export interface Login {
  /** Issuer and client that the session belongs to. */
  tenant: string
  sub: string
  /** Auth0's own session id, where the ID token has one; a password grant's has none. */
  sid?: string
  /** Profile claims of the ID token. */
  user: Record<string, unknown>
  /** Granted scopes. */
  scope: string
  /** Public name of the session; not the id in the cookie. */
  handle: string
  /** Epoch milliseconds of the login. */
  since: number
  /** Epoch milliseconds at which the session ends at the latest. */
  until: number
  /** Milliseconds without a request after which it ends. */
  idle: number
}

/** The login that a session carries, if it is one of this tenant and not over. */
export function loginOf(session: Partial<SessionData> | undefined, tenant: string, now: number): Login | undefined {
  const login = session?.ropg
  return login?.tenant === tenant && login.until > now ? login : undefined
}
