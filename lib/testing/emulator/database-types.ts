/** Password requirements: Auth0's levels and two more rules. */
export interface PasswordPolicy {
  /**
   * `none`: not empty. `low`: 6 characters. `fair`: 8, with lowercase, uppercase, and a number. `good`: 8, with three of
   * four character types. `excellent`: 10, with three of four types and at most two identical in a row. Default `good`.
   */
  level?: 'none' | 'low' | 'fair' | 'good' | 'excellent'
  /** Minimum length. Default that of the level. */
  minLength?: number
  /** Common passwords to refuse, regardless of case. Default none. */
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
  /** Signup requires a username. Default false. */
  requiresUsername: boolean
  /** Bot detection at signup: 400 `invalid_captcha`. Default false. */
  signupCaptcha: boolean
  /** A pre-registration Action refuses with this text: 400 `extensibility_error`. Default none. */
  signupDenied?: string | undefined
  /** Default `good`: at least 8 characters, 3 of 4 kinds. */
  passwordPolicy: PasswordPolicy
  /** Signup attempts per address and minute until 429. Default 50. */
  signupLimit: number
  /** Resets of one email address from one IP address until 429. One more is allowed each minute. Default 10. */
  resetLimit: number
  /** Domains of enterprise connections, for which a reset gets 400 `enterprise_email`. Default none. */
  enterpriseDomains: string[]
}

/** A password reset email that would have been sent. */
export interface PasswordReset {
  email: string
  /** Epoch milliseconds of the emulator's clock. */
  at: number
}
