/** What a password must satisfy: Auth0's levels, plus two rules. */
export interface PasswordPolicy {
  /**
   * `none`: not empty. `low`: 6 characters. `fair`: 8, with lower case, upper case and a number. `good`: 8, with three of
   * four kinds. `excellent`: 10, three of four kinds, no more than two identical ones in a row. Default `good`.
   */
  level?: 'none' | 'low' | 'fair' | 'good' | 'excellent'
  /** In place of the length of the level. Default that of the level. */
  minLength?: number
  /** Passwords that are too common, in any case. Default none. */
  dictionary?: string[]
  /** Refuses passwords that contain the name, the username or the first part of the address. Default false. */
  noUserInfo?: boolean
}

/** Settings of the database connections. */
export interface DatabaseSettings {
  /** "Use a generic response in public signup API error message": a duplicate is `invalid_signup`. Default true. */
  genericSignupErrors: boolean
  /** "Disable Sign Ups": 400 `invalid_signup`. Default false. */
  signupsDisabled: boolean
  /** A username is needed to sign up. Default false. */
  requiresUsername: boolean
  /** Bot detection at signup: 400 `invalid_captcha`. Default false. */
  signupCaptcha: boolean
  /** A pre-registration Action refuses with this text: 400 `extensibility_error`. Default none. */
  signupDenied?: string | undefined
  /** Default `good`: at least 8 characters, 3 of 4 kinds. */
  passwordPolicy: PasswordPolicy
  /** Signups of an address, successful or not, in a burst; as many again each minute. Then 429. Default 50. */
  signupLimit: number
  /** Resets of an email address from an address in a burst; one more each minute. Then 429. Default 10. */
  resetLimit: number
  /** Domains of enterprise connections: a reset is 400 `enterprise_email`. Default none. */
  enterpriseDomains: string[]
}

/** A reset mail that would have been sent. */
export interface PasswordReset {
  email: string
  /** Epoch milliseconds of the emulator's clock. */
  at: number
}
