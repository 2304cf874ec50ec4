import type { AccessToken, Wanted } from '../flows/token-choice.js'
import type { LoginData, UserClaims } from '../options/claims.js'

/**
 * The logged-in user of a request. It never contains tokens, so it is safe to log.
 *
 * A type rather than an interface, so that it is assignable to the `auth` of express-jwt, which has an index signature.
 */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- see above
export type RequestAuth = {
  readonly user: UserClaims
  readonly sub: string
  readonly authenticatedAt: Date
  /** Public handle of the session. It is not the session id in the cookie, so it is safe to show and log. */
  readonly sessionId: string
  /** The object that `onLogin` returned for this login. */
  readonly data: LoginData
  /**
   * Resolves to an access token that is valid for at least 30 more seconds. Without a refresh token, it is used until it
   * expires. Rejects with an `AuthError`.
   */
  readonly getAccessToken: (wanted?: Wanted) => Promise<AccessToken>
  /** Ends this session, as `POST /logout` does. */
  readonly logout: () => Promise<void>
}
