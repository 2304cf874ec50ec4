import type { NextFunction, Request, Response } from 'express'
import type { Cluster, Redis, RedisOptions } from 'ioredis'
import type { ClientAuth } from 'openid-client'
import type { AuthError } from '../errors.js'
import type { AuthEvent, Logger } from '../events.js'
import type { Interactive, InteractiveOptions, PagesOptions } from './browser-ways.js'
import type { OnLogin } from './on-login.js'
import type { Limit, RateLimitOptions } from './rate-limit-options.js'
import type { CookieOptions, Lifetime, SessionOptions } from './session-options.js'

/** Accepts `undefined` for every member, also under `exactOptionalPropertyTypes`. */
type OrUndefined<T> = { [K in keyof T]: T[K] | undefined }

/** Hard deadlines for single calls. */
export interface Timeouts {
  /** Milliseconds for one call to Auth0. 1 to 86400000 (1 day). Default: 5000. */
  auth0?: number | undefined
  /** Milliseconds for one call to Redis. 1 to 86400000 (1 day). Default: 1000. */
  redis?: number | undefined
}

/** A clock that tests can move. Create one with `createTestClock()` from `express-auth0-ropg/testing`. */
export interface TestClock {
  /** Epoch milliseconds. */
  now(): number
  /** Moves the clock forward. */
  advance(seconds: number): unknown
}

/**
 * The options of {@link createRopgAuth}. Missing and `undefined` options are read from environment variables, where an
 * empty variable counts as missing. Values of options with a variable are trimmed.
 */
export interface RopgAuthOptions {
  /**
   * `tenant.eu.auth0.com`, a custom domain, or an issuer URL (`http:` for loopback hosts only). Required.
   * Environment: `AUTH0_DOMAIN`.
   */
  domain?: string | undefined
  /** Client ID of the Auth0 application. Required. Environment: `AUTH0_CLIENT_ID`. */
  clientId?: string | undefined
  /** Sent as `client_secret_post`. Required without `clientAuth`. Environment: `AUTH0_CLIENT_SECRET`. */
  clientSecret?: string | undefined
  /**
   * Client authentication of openid-client (`PrivateKeyJwt`, `TlsClientAuth`, ...) in place of `clientSecret`.
   * Default: none. `AUTH0_CLIENT_SECRET` is then ignored.
   */
  clientAuth?: ClientAuth | undefined
  /** Database connection. Switches to the password-realm grant. Default: the tenant's Default Directory. */
  realm?: string | undefined
  /** Realms that a login request may choose with `realm`. Default: none. */
  allowedRealms?: readonly string[] | undefined
  /** Identifier of the API that access tokens are for. Default: the tenant's default audience. */
  audience?: string | undefined
  /** Must contain `openid`. Default: `openid profile email`. `remember_me` adds `offline_access`. */
  scope?: string | undefined
  /** Signature algorithm of ID tokens. Default: `RS256`. `HS256` requires `clientSecret`. */
  idTokenSigningAlg?: 'RS256' | 'PS256' | 'HS256' | undefined
  /**
   * An ioredis client or cluster that reads from masters, ioredis options, or a URL. Default: an in-process store,
   * which is refused in production. Environment: `REDIS_URL`.
   */
  redis?: Redis | Cluster | OrUndefined<RedisOptions> | string | undefined
  /** The login session. */
  session?: SessionOptions | undefined
  /**
   * Called for every kind of login, after Auth0 accepted it and before its session exists. Throw an `AuthError` with code
   * `access_denied` to refuse the login. A JSON object that it returns is stored as `req.auth.data`. It may take up to 10
   * seconds. Default: none.
   */
  onLogin?: OnLogin | undefined
  /**
   * What happens if Auth0 requires a second factor. `'interactive'`: 403 `mfa_required` with `login_url`. `'api'`: 403
   * `mfa_required` with `mfa`, and the routes `/mfa/*` complete the login. Default: `'interactive'`.
   */
  mfa?: 'interactive' | 'api' | undefined
  /** Turns on login on Auth0's own page: `GET /login` and `GET /callback`. Default: `false`. */
  interactive?: InteractiveOptions | false | undefined
  /** Turns on `POST /signup` for the database connection `realm`. Default: `false`. */
  signup?: boolean | undefined
  /** Turns on `POST /password-reset` for the database connection `realm`. Default: `false`. */
  passwordReset?: boolean | undefined
  /** Turns on `POST /backchannel-logout` (OpenID Connect Back-Channel Logout 1.0). Default: `false`. */
  backchannelLogout?: boolean | undefined
  /** Redirects instead of JSON for form posts and navigations from browsers. Default: `false`. */
  pages?: PagesOptions | false | undefined
  /** `login_url` in error bodies: an http(s) URL, a path, or an app link such as `myapp://login`. Default: none. */
  loginUrl?: string | undefined
  /** `recovery_url` in error bodies: an http(s) URL, a path, or an app link. Default: none. */
  recoveryUrl?: string | undefined
  /** Limits on attempts. `false` turns all of them off. Default: see {@link RateLimitOptions}. */
  rateLimit?: RateLimitOptions | false | undefined
  /**
   * Send the client address as `auth0-forwarded-for` with password grants. Default: `true` for a client that sends a
   * secret or an assertion, else `false`.
   */
  forwardClientIp?: boolean | undefined
  /** Refuse requests over plain HTTP. Default: `true` in production, else `false`. */
  requireHttps?: boolean | undefined
  /**
   * Other origins that may call state-changing routes, such as `https://app.example.com` or, for mobile apps,
   * `capacitor://localhost`. Default: none, which allows only the app's own origin.
   */
  allowedOrigins?: readonly string[] | undefined
  /** Include tokens in the login response. Default: `false`. */
  exposeTokens?: boolean | undefined
  /** Include the reason that an Action gave in `access_denied` responses. Default: `false`, which only logs it. */
  exposeDeniedReason?: boolean | undefined
  /** Deadlines for calls to Auth0 and Redis. */
  timeouts?: Timeouts | undefined
  /**
   * pino, or any object with methods `info`, `warn` and `error` that take `(fields, message)`. Wrap a logger that takes
   * the message first in `messageFirst(logger)`. winston is detected. `false` logs nothing. Default: pino at level info.
   */
  logger?: Logger | false | undefined
  /** Usernames in events: as typed (`'plain'`), as a keyed hash (`'hashed'`), or left out (`false`). Default: `'plain'`. */
  logUserName?: 'plain' | 'hashed' | false | undefined
  /** Called with every event. Default: none. */
  onEvent?: ((event: AuthEvent) => unknown) | undefined
  /** A test clock. Refused in production. Default: the system clock. */
  clock?: TestClock | undefined
  /** Sends all error responses, including those of the guards. Send a response, or call `next`. Default: none. */
  // eslint-disable-next-line max-params -- the signature of an Express error handler
  onError?: ((err: AuthError, req: Request, res: Response, next: NextFunction) => unknown) | undefined
}

/** Clock and network for this package's own tests. Not for apps. */
export interface Seams {
  /** Epoch milliseconds. Default: `Date.now`. */
  clock?: (() => number) | undefined
  /** Replaces all clocks, including that of the store, like the `clock` option but without its production check. */
  testClock?: (() => number) | undefined
  /** Default: an HTTP client that keeps connections alive. */
  fetch?: typeof fetch | undefined
}

type Complete<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> }

/** The options after validation, with all defaults. */
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
  readonly onLogin: RopgAuthOptions['onLogin']
  readonly mfa: 'interactive' | 'api'
  readonly interactive: Interactive | undefined
  readonly signup: boolean
  readonly passwordReset: boolean
  readonly backchannelLogout: boolean
  readonly pages: Complete<PagesOptions> | undefined
  readonly loginUrl: string | undefined
  readonly recoveryUrl: string | undefined
  readonly limits: { readonly [K in keyof RateLimitOptions]-?: Readonly<Limit> | false }
  readonly forwardClientIp: boolean | 'authenticated'
  readonly requireHttps: boolean
  readonly allowedOrigins: readonly string[]
  readonly exposeTokens: boolean
  readonly exposeDeniedReason: boolean
  readonly timeouts: Complete<Timeouts>
  readonly logger: Logger | undefined
  readonly logUserName: 'plain' | 'hashed' | false
  readonly onEvent: RopgAuthOptions['onEvent']
  readonly onError: RopgAuthOptions['onError']
  readonly clock: () => number
  /** The clock of the `clock` option or of the seams, if set. */
  readonly testClock: (() => number) | undefined
  readonly fetch: typeof fetch | undefined
}
