import type { AccessToken, Wanted } from '../flows/token-choice.js'
import type { LoginData, UserClaims } from '../options/claims.js'

/**
 * The logged-in user of a request. It never contains tokens, so it is safe to log.
 *
 * A type and not an interface, so that it fits handlers typed by express-jwt, whose `auth` has an index signature.
 */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- see above
export type RequestAuth = {
  readonly user: UserClaims
  readonly sub: string
  readonly authenticatedAt: Date
  /** Public handle of the session. This is not the cookie's session id, so it may be shown and logged. */
  readonly sessionId: string
  /** What `onLogin` returned for this login. */
  readonly data: LoginData
  /**
   * Gets an access token that is valid for at least 30 more seconds, or without a refresh token as long as it lives.
   * Rejects with an `AuthError`.
   */
  readonly getAccessToken: (wanted?: Wanted) => Promise<AccessToken>
  /** Ends this session, as `POST /logout` does. */
  readonly logout: () => Promise<void>
}
