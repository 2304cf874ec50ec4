/** A limit on attempts within a time window. */
export interface Limit {
  /** Number of attempts. */
  limit: number
  /** Length of the window in milliseconds. */
  windowMs: number
}

/** A limit in the options. Missing members have the default of that limit. */
export interface LimitOptions {
  /** Number of attempts. A positive integer. */
  limit?: number | undefined
  /** Length of the window in milliseconds. 1 to 86400000 (1 day). */
  windowMs?: number | undefined
}

/** Rate limits. `false` turns a limit off. */
export interface RateLimitOptions {
  /** Login attempts from a client subnet that are pending or have failed. Default: 5 in 60 s. */
  subnet?: LimitOptions | false | undefined
  /**
   * All login attempts from a client subnet, and separately those that `GET /login` begins. Default: 60 in 60 s, or more if
   * `subnet` allows more.
   */
  attempts?: LimitOptions | false | undefined
  /** Login attempts for one account that Auth0 refused. Default: 10 in 900 s. */
  account?: LimitOptions | false | undefined
  /** Second-factor attempts of one user, and separately lists of factors. Default: 20 in 900 s. */
  mfa?: LimitOptions | false | undefined
  /** Signup requests from a client subnet. Default: 30 in 3600 s. */
  signup?: LimitOptions | false | undefined
  /** Password reset requests from a client subnet. Default: 30 in 3600 s. */
  reset?: LimitOptions | false | undefined
}
