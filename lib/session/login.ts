/** Who is logged in, since when, and until when. Stored encrypted. Contains no tokens. */
export interface Login {
  sub: string
  /** Auth0's session id, if the ID token has one. That of a password grant does not. */
  sid?: string | undefined
  /** Logged in on Auth0's login page, so the browser may have a session at Auth0. */
  interactive?: boolean | undefined
  /** Profile claims of the ID token. */
  user: Record<string, unknown>
  scope: string
  /** Auth0's RBAC permissions of the access token for the configured audience. */
  permissions?: readonly string[] | undefined
  /** What `onLogin` returned. */
  data?: Record<string, unknown> | undefined
  /** Public handle of the session. Not the id in the cookie. */
  handle: string
  /** Time of the login in milliseconds on the store's clock, to the microsecond. */
  since: number
  /** Time at which the user entered the password, if that was earlier: at Auth0, for another app. */
  authenticated?: number | undefined
  /** Time at which the session ends at the latest, on the same clock. */
  until: number
  ip?: string | undefined
  userAgent?: string | undefined
}
