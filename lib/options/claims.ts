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
 * The object that `onLogin` returned, available as `req.auth.data`. Declare its members by declaration merging:
 *
 * ```ts
 * declare module 'express-auth0-ropg' {
 *   interface LoginData { tenantId: string }
 * }
 * ```
 *
 * Make a member optional if `onLogin` does not always return it, or if older sessions may lack it.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- declared by the app
export interface LoginData {}
