import type { JWK } from 'jose'
import type { BrowserSettings, LogoutTokenChanges } from './browser-types.js'
import type { DatabaseSettings, PasswordReset } from './database-types.js'
import type { EmulatorMfa, EmulatorMfaControls } from './mfa-types.js'

/** An account of the emulated tenant. Each flag makes Auth0 refuse the user, unless noted after a correct password. */
export interface EmulatorUser {
  email: string
  password: string
  /** A second identifier to log in with. Default none. */
  username?: string
  /** Default: the part of the address before the at sign. */
  name?: string
  /** Default: `auth0|` and 24 hex digits, always the same for a connection and an address. */
  sub?: string
  /** Default `Username-Password-Authentication`. */
  connection?: string
  /** Additional claims of the ID token and /userinfo. Default none. */
  claims?: Record<string, unknown>
  /** RBAC permissions, in access tokens for an API with `rbac`. Default none. */
  permissions?: string[]
  /** Whether the email address is verified. Default true, or false for accounts that signed up. */
  emailVerified?: boolean
  /** 401 `unauthorized`, "user is blocked"; on refresh 403 `invalid_grant`. Default false. */
  blocked?: boolean
  /** 401 `password_leaked`, which also applies to passwords that start with `AUTH0-TEST-`. Default false. */
  leaked?: boolean
  /** 401 `requires_verification` (bot detection), before the password is checked. Default false. */
  requiresVerification?: boolean
  /** 403 `interaction_required`: an Action tries to redirect. Default false. */
  interactionRequired?: boolean
  /** 403 `mfa_required` with an `mfa_token`. `true` means an OTP factor and a recovery code. Default false. */
  mfa?: boolean | EmulatorMfa
  /** 403 `mfa_required` on refresh, as with an Action that always requires MFA. Default false. */
  mfaOnRefresh?: boolean
  /** 401 `password_expired`. Default false. */
  passwordExpired?: boolean
  /** 401 `password_change_required`. Default false. */
  passwordChangeRequired?: boolean
  /** `api.access.deny(reason)` of an Action: 403 `access_denied`, the reason verbatim; on refresh too. */
  denied?: string
  /** `UnauthorizedError` of a Rule: 403 `unauthorized` with this text. */
  ruleError?: string
  /** 429 `too_many_logins`, regardless of the password. Default false. */
  tooManyLogins?: boolean
}

/** A user as stored by the emulator. */
export type StoredUser = Readonly<EmulatorUser & { sub: string; connection: string }>

/** An API registered with the tenant. */
export interface EmulatorApi {
  audience: string
  scopes: string[]
  /** "Allow Offline Access". Default true. */
  allowOfflineAccess?: boolean
  /** "Enable RBAC" and "Add Permissions in the Access Token". Default false. */
  rbac?: boolean
}

/** Another audience that refresh tokens can be used for (multi-resource refresh tokens). */
export interface RefreshPolicy {
  audience: string
  scope: string[]
}

/** Tenant and client settings. Tests can change them at any time. */
export interface EmulatorTenant extends BrowserSettings, DatabaseSettings {
  /** Names of the database connections. Default `Username-Password-Authentication` and `customers`. */
  connections: string[]
  /** Default Directory of `grant_type=password`. Default the first connection; null: 500 `server_error`. */
  defaultConnection: string | null
  /** Default: `https://api.example.com` with `read:posts write:posts`. */
  apis: EmulatorApi[]
  /** Default Audience of the tenant. Default none. */
  defaultAudience?: string | undefined
  /** Grants that the client may use. Others get 403 `unauthorized_client`. Default all supported grants. */
  grantTypes: string[]
  /** "Trust Token Endpoint IP Header": uses `auth0-forwarded-for` as the user's address. Default false. */
  trustForwardedFor: boolean
  /** Refresh token rotation with reuse detection. Default true. */
  rotation: boolean
  /** Rotation overlap period in seconds. Default 0. */
  leeway: number
  /** Lifetime of access tokens in seconds. Default 86400. */
  accessTokenTtl: number
  /** Lifetime of ID tokens in seconds. Default 36000. */
  idTokenTtl: number
  /** Lifetime of a refresh token family from its first token, in seconds. Default 2592000. */
  refreshTokenLifetime: number
  /** How long a refresh token may stay unused, in seconds. Default 2592000. */
  refreshTokenIdleLifetime: number
  /** Wrong passwords for one account from one address until 429 `too_many_attempts`. Default 10. */
  bruteForceThreshold: number
  /** Multi-resource refresh tokens. Default none. */
  refreshPolicies: RefreshPolicy[]
  /** Addresses under suspicious-IP throttling: 429 `too_many_attempts`. Default none. */
  suspiciousAddresses: Set<string>
}

/** Options of `startAuth0Emulator`: settings of the tenant, and options that cannot change later. */
export interface EmulatorOptions extends Partial<EmulatorTenant> {
  /** Default: ada@example.com, password "correct horse battery staple", name Ada Lovelace. */
  users?: EmulatorUser[]
  /** Default `emulator-client`. */
  clientId?: string
  /** Default a fixed one of 48 characters. */
  clientSecret?: string
  /** Public keys of a client that uses `private_key_jwt`. Default none. */
  clientJwks?: { keys: JWK[] }
  /** Default RS256. With PS256 access tokens are PS256 too; HS256 signs ID tokens with the client secret. */
  idTokenSigningAlg?: 'RS256' | 'PS256' | 'HS256'
  /** Port on 127.0.0.1. Default 0, a free one. */
  port?: number
  /** URL for clients if a proxy is in front of the emulator. Default: the URL where it listens. */
  domain?: string
}

/** A request as it arrived. */
export interface RecordedRequest {
  method: string
  path: string
  grantType?: string
  /**
   * Body of the emulator's own endpoints, else the query; passwords, one-time codes, MFA tokens, authorization codes,
   * code verifiers, and ID tokens are always left out.
   */
  params: Record<string, unknown>
  headers: Record<string, string | string[] | undefined>
  /** The address that attack protection uses: the forwarded one only if it is trusted. */
  clientIp: string
  /** Epoch milliseconds of the emulator's clock. */
  at: number
}

/** Selects a request. */
export interface RequestMatch {
  /** Default `/oauth/token`. */
  path?: string
  /** Default any. */
  grantType?: string
}

/** What happens to the next matching request. Without other members than the match, the response is an empty 500. */
export interface Fault extends RequestMatch {
  /** Default 500 if there is a `body`. */
  status?: number
  /** Strings are sent unchanged, anything else as JSON. */
  body?: unknown
  headers?: Record<string, string>
  /** Milliseconds of real time before the request is processed, or with `afterProcessing`, before the response. */
  delay?: number
  /** Never answers. */
  hang?: boolean
  /** Destroys the socket. */
  reset?: boolean
  /** Sends the full Content-Length but only half of the body, then destroys the socket. */
  truncate?: boolean
  /** The request takes effect first, as if Auth0's response was lost. Default false. */
  afterProcessing?: boolean
  /** Number of matching requests. Default 1. */
  times?: number
}

/** Holds one request. */
export interface Gate {
  /** Resolves when the request has arrived. */
  arrived: Promise<RecordedRequest>
  /** Lets the request continue. */
  release(): void
}

/** Undefined removes a member. */
export type EmulatorUserChanges = Partial<Pick<EmulatorUser, 'email' | 'password'>> & {
  [Flag in Exclude<keyof EmulatorUser, 'email' | 'password'>]?: EmulatorUser[Flag] | undefined
}

export interface EmulatorUsers {
  add(user: EmulatorUser): StoredUser
  /** A new password lifts a brute-force block, as with Auth0. */
  update(email: string, changes: EmulatorUserChanges): StoredUser
  remove(email: string): void
  get(email: string): StoredUser | undefined
}

export interface EmulatorClock {
  /** Epoch milliseconds: real time plus the advanced time. */
  now(): number
  advance(seconds: number): void
}

export interface EmulatorRefreshTokens {
  /** Whether it is the newest token of a valid family. */
  isActive(token: string): boolean
  /** Revokes its family, as in the Dashboard. */
  revoke(token: string): void
  /** Number of valid families. */
  families(): number
}

/** A running Auth0 tenant on the loopback interface, with one client. */
export interface Auth0Emulator {
  /** `http://127.0.0.1:PORT`: the `domain` option of a client. */
  readonly domain: string
  /** The domain with a trailing slash, as in `iss`. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly tenant: EmulatorTenant
  readonly users: EmulatorUsers
  readonly clock: EmulatorClock
  /** Every request so far, oldest first. */
  readonly requests: RecordedRequest[]
  requestsTo(path: string): RecordedRequest[]
  /** Makes the next matching request fail. */
  failNext(fault?: Fault): void
  /** Holds the next matching request before it takes effect, or with `after`, before the response. */
  hold(match?: RequestMatch & { after?: boolean }): Gate
  /** Lifts the brute-force blocks of an account, as an administrator does. */
  unblock(email: string): void
  /** Forgets all wrong passwords and codes, and resets the limits on messages, signups and password resets. */
  resetCounters(): void
  readonly refreshTokens: EmulatorRefreshTokens
  readonly mfa: EmulatorMfaControls
  /** Signs with the other key from now on. The JWKS always lists both. */
  rotateSigningKeys(): void
  /** A signed logout token as sent by Auth0, valid for 120 seconds. `changes` produce invalid tokens. */
  logoutToken(changes?: LogoutTokenChanges): Promise<string>
  /** Password reset emails that would have been sent, oldest first. None for unknown addresses. */
  readonly resets: readonly PasswordReset[]
  /** Closes all connections immediately. Idempotent. */
  close(): Promise<void>
}
