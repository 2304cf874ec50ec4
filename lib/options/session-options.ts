/** How long a session lives, enforced on the server. */
export interface Lifetime {
  /** Seconds without a request after which the session ends. 1 to 31622400 (366 days). */
  idleTimeout?: number | undefined
  /** Seconds after login at which the session ends in any case. 1 to 31622400 (366 days). */
  absoluteTimeout?: number | undefined
}

/** Attributes of the session cookie. It is always `HttpOnly`. */
export interface CookieOptions {
  /** Default: `__Host-auth` if `secure` is `true` (`__Secure-auth` with a domain or path), else `auth`. */
  name?: string | undefined
  /** Default: `/`. */
  path?: string | undefined
  /** Default: none, which limits the cookie to this host. */
  domain?: string | undefined
  /** Default: `lax`. `none` requires `secure: true`. */
  sameSite?: 'lax' | 'strict' | 'none' | undefined
  /** Default: `true` in production, else `'auto'`, which sets Secure whenever the request came over HTTPS. */
  secure?: boolean | 'auto' | undefined
}

/** The login session. */
export interface SessionOptions {
  /**
   * Signs the cookie and encrypts the session; at least 32 characters. In a list, the first secret signs and encrypts,
   * and all of them verify and decrypt; repeated secrets are ignored. Required. Environment: `SESSION_SECRET`, which
   * may hold several secrets separated by spaces or commas.
   */
  secret?: string | readonly string[] | undefined
  /**
   * Seconds without a request after which the session ends. 1 to 31622400 (366 days). Default: 86400 (1 day), or
   * `absoluteTimeout` if that is shorter.
   */
  idleTimeout?: number | undefined
  /**
   * Seconds after login at which the session ends in any case. 1 to 31622400 (366 days). Default: 604800 (7 days), or
   * `idleTimeout` if that is longer, in which case a warning is logged.
   */
  absoluteTimeout?: number | undefined
  /**
   * The same two limits for a login with `remember_me`. Default: 1209600 (14 days) and 2592000 (30 days), but never
   * shorter than those of an ordinary session. They adapt to each other in the same way.
   */
  remembered?: Lifetime | undefined
  /** Attributes of the session cookie. */
  cookie?: CookieOptions | undefined
  /** Keys of `req.session` (a cart, for example) that an anonymous session passes on at login. Default: none. */
  preserve?: readonly string[] | undefined
  /** Sessions a user can have at the same time. One more login ends the oldest. A positive integer. Default: 100. */
  maxPerUser?: number | undefined
  /** Prefix of every Redis key. Default: `auth:`. */
  prefix?: string | undefined
}
