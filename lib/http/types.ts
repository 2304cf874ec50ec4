import type { AccessToken, Wanted } from '../flows/token-choice.js'

/**
 * Profile claims of the ID token. Add your own by declaration merging:
 *
 * ```ts
 * declare module 'express-auth0-ropg' {
 *   interface UserClaims { 'https://example.com/roles'?: string[] }
 * }
 * ```
 */
export interface UserClaims {
  readonly sub: string
  readonly name?: string
  readonly given_name?: string
  readonly family_name?: string
  readonly middle_name?: string
  readonly nickname?: string
  readonly preferred_username?: string
  readonly profile?: string
  readonly picture?: string
  readonly website?: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly gender?: string
  readonly birthdate?: string
  readonly zoneinfo?: string
  readonly locale?: string
  readonly phone_number?: string
  readonly phone_number_verified?: boolean
  readonly address?: UserAddress
  /** Auth0 sends an ISO 8601 date. OpenID Connect specifies epoch seconds. */
  readonly updated_at?: string | number
  readonly [claim: string]: unknown
}

/** The `address` claim of OpenID Connect. */
export interface UserAddress {
  readonly formatted?: string
  readonly street_address?: string
  readonly locality?: string
  readonly region?: string
  readonly postal_code?: string
  readonly country?: string
}

/**
 * What `onLogin` returned, kept as `req.auth.data`. Declare its members by declaration merging:
 *
 * ```ts
 * declare module 'express-auth0-ropg' {
 *   interface LoginData { tenantId: string }
 * }
 * ```
 *
 * Make a member optional if `onLogin` does not always return it, or if sessions may be older than it.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- declared by the app
export interface LoginData {}

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
