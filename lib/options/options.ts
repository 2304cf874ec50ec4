import type { NextFunction, Request, Response } from 'express'
import type { Cluster, Redis, RedisOptions } from 'ioredis'
import type { ClientAuth } from 'openid-client'
import type { AuthError } from '../errors.js'
import type { AuthEvent, Logger } from '../events.js'

/** How long a session lives, enforced on the server. */
export interface Lifetime {
  /** Seconds without a request after which the session ends. */
  idleTimeout?: number
  /** Seconds after login at which the session ends whatever happens. */
  absoluteTimeout?: number
}

/** Attributes of the session cookie. It is always `HttpOnly`. */
export interface CookieOptions {
  /** Default `__Host-auth` in production (`__Secure-auth` with a domain or path), else `auth`. */
  name?: string
  /** Default `/`. */
  path?: string
  /** Default none: this host only. */
  domain?: string
  /** Default `lax`. */
  sameSite?: 'lax' | 'strict' | 'none'
  /** Default `true` in production, else `'auto'`: Secure whenever the request came over HTTPS. */
  secure?: boolean | 'auto'
}

export interface SessionOptions extends Lifetime {
  /**
   * Signs the cookie and seals the tokens; each at least 32 characters. With a list the first signs and seals, all
   * verify and open. Environment: `SESSION_SECRET`.
   */
  secret?: string | readonly string[]
  /** Lifetime after `remember_me`. Default 14 days idle, 30 days in all. */
  remembered?: Lifetime
  cookie?: CookieOptions
  /** Keys of `req.session` (a cart, say) that survive the id change at login. Default none. */
  preserve?: readonly string[]
  /** Prefix of every Redis key. Default `auth:`. */
  prefix?: string
}

/** A limit of attempts in a window. */
export interface Limit {
  /** Attempts. */
  limit: number
  /** Milliseconds. */
  windowMs: number
}

export interface RateLimitOptions {
  /** Every login attempt of a client subnet (IPv4 address, IPv6 /56) counts. Default 5 a minute; `false`: off. */
  subnet?: Limit | false
  /** Failures of an account. Not available in this version: always off. */
  account?: false
}

export interface Timeouts {
  /** Milliseconds for one call to Auth0. Default 5000. */
  auth0?: number
  /** Milliseconds for one call to Redis. Default 1000. */
  redis?: number
}

/** What {@link createRopgAuth} takes. Environment variables fill in what is left out. */
export interface RopgAuthOptions {
  /** `tenant.eu.auth0.com`, a custom domain, or an issuer URL (`http:` for loopback hosts only). `AUTH0_DOMAIN`. */
  domain?: string
  /** `AUTH0_CLIENT_ID`. */
  clientId?: string
  /** Sent as `client_secret_post`. `AUTH0_CLIENT_SECRET`. */
  clientSecret?: string
  /** openid-client's own client authentication (`PrivateKeyJwt`, `TlsClientAuth`, ...) in place of a secret. */
  clientAuth?: ClientAuth
  /** Database connection; switches to the password-realm grant. Default: the tenant's Default Directory. */
  realm?: string
  /** Realms that a login body may choose with `realm`. Default none. */
  allowedRealms?: readonly string[]
  /** Identifier of the API that access tokens are for. Default: the tenant's. */
  audience?: string
  /** Default `openid profile email`; must contain `openid`. `remember_me` adds `offline_access`. */
  scope?: string
  /** Default `RS256`. */
  idTokenSigningAlg?: 'RS256' | 'PS256' | 'HS256'
  /** ioredis client, options or URL. Default: an in-process store, refused in production. `REDIS_URL`. */
  redis?: Redis | Cluster | RedisOptions | string
  session?: SessionOptions
  /** A second factor is asked for in the browser: 403 `mfa_required` with `loginUrl`. Nothing else in this version. */
  mfa?: 'interactive'
  /** Login through the browser. Not available in this version: always off. */
  interactive?: false
  /** `POST /signup`. Not available in this version: always off. */
  signup?: false
  /** `POST /password-reset`. Not available in this version: always off. */
  passwordReset?: false
  /** `POST /backchannel-logout`. Not available in this version: always off. */
  backchannelLogout?: false
  /** Redirects for browsers in place of JSON. Not available in this version: always off. */
  pages?: false
  /** `login_url` in error bodies. */
  loginUrl?: string
  /** `recovery_url` in error bodies. */
  recoveryUrl?: string
  rateLimit?: RateLimitOptions | false
  /** Send `auth0-forwarded-for` on password grants. Default true for a client that authenticates. */
  forwardClientIp?: boolean
  /** Refuse routes over plain HTTP. Default: `NODE_ENV === 'production'`. */
  requireHttps?: boolean
  /** Origins beside the app's own that may call state-changing routes. Default none. */
  allowedOrigins?: readonly string[]
  /** Put tokens into the login answer. Default false. */
  exposeTokens?: boolean
  /** Show the reason that an Action gave with `access_denied`. Default false: it is only logged. */
  exposeDeniedReason?: boolean
  timeouts?: Timeouts
  /** Default pino at level info; `false` for silence. */
  logger?: Logger | false
  /** User names in events as typed (`plain`, default) or as a keyed hash (`hashed`). */
  logUserName?: 'plain' | 'hashed'
  onEvent?: (event: AuthEvent) => unknown
  /** Shapes error answers, those of the guards too. Answer, or call `next` for the app's error handler. */
  // eslint-disable-next-line max-params -- the signature of an Express error handler
  onError?: (err: AuthError, req: Request, res: Response, next: NextFunction) => unknown
}

/** Seams for tests of time and network. Leave them alone in an app. */
export interface Seams {
  /** Epoch milliseconds. Default `Date.now`. */
  clock?: () => number
  /** Default a client of its own, with connections kept alive. */
  fetch?: typeof fetch
  /** In place of every clock, that of the store too. */
  testClock?: () => number
}

type Complete<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> }

/** The options as the rest of the code sees them: complete, checked, frozen. */
export interface Config {
  readonly issuer: URL
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly clientAuth: ClientAuth | undefined
  readonly realm: string | undefined
  readonly allowedRealms: readonly string[]
  readonly audience: string | undefined
  readonly scope: string
  readonly idTokenSigningAlg: 'RS256' | 'PS256' | 'HS256'
  readonly redis: Redis | Cluster | RedisOptions | string | undefined
  readonly session: {
    readonly secrets: readonly string[]
    readonly ordinary: Complete<Lifetime>
    readonly remembered: Complete<Lifetime>
    readonly cookie: Complete<Omit<CookieOptions, 'domain'>> & { readonly domain: string | undefined }
    readonly preserve: readonly string[]
    readonly maxPerUser: number
    readonly prefix: string
  }
  readonly loginUrl: string | undefined
  readonly recoveryUrl: string | undefined
  readonly subnetLimit: Limit | false
  readonly forwardClientIp: boolean
  readonly requireHttps: boolean
  readonly allowedOrigins: readonly string[]
  readonly exposeTokens: boolean
  readonly exposeDeniedReason: boolean
  readonly timeouts: Complete<Timeouts>
  readonly logger: Logger | undefined
  readonly logUserName: 'plain' | 'hashed'
  readonly onEvent: RopgAuthOptions['onEvent']
  readonly onError: RopgAuthOptions['onError']
  /** Wall clock of this process, epoch milliseconds. It may jump. */
  readonly clock: () => number
  /** The option `clock`: in place of every clock. */
  readonly testClock: (() => number) | undefined
  readonly fetch: typeof fetch | undefined
}
