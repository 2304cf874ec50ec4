import type { JWK } from 'jose'
import type { BrowserSettings, LogoutTokenChanges } from './browser-types.js'
import type { DatabaseSettings, PasswordReset } from './database-types.js'
import type { EmulatorMfa, EmulatorMfaControls } from './mfa-types.js'

/**
 * One account of the emulated tenant. A flag makes Auth0's refusal of that name happen once the password is right,
 * unless it says otherwise.
 */
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
  /** More claims of the ID token and of /userinfo. Default none. */
  claims?: Record<string, unknown>
  /** RBAC permissions, in access tokens for an API with `rbac`. Default none. */
  permissions?: string[]
  /** Whether the address counts as verified. Default true, but false for an account that was signed up. */
  emailVerified?: boolean
  /** 401 `unauthorized`, "user is blocked"; on refresh 403 `invalid_grant`. Default false. */
  blocked?: boolean
  /** 401 `password_leaked`, as any password that begins with `AUTH0-TEST-` is. Default false. */
  leaked?: boolean
  /** 401 `requires_verification` (bot detection), before the password is looked at. Default false. */
  requiresVerification?: boolean
  /** 403 `interaction_required`: an Action tries to redirect. Default false. */
  interactionRequired?: boolean
  /** 403 `mfa_required` with an `mfa_token`; `true` stands for an OTP factor and a recovery code. Default false. */
  mfa?: boolean | EmulatorMfa
  /** 403 `mfa_required` on refresh, as from an Action that always asks for MFA. Default false. */
  mfaOnRefresh?: boolean
  /** 401 `password_expired`. Default false. */
  passwordExpired?: boolean
  /** 401 `password_change_required`. Default false. */
  passwordChangeRequired?: boolean
  /** `api.access.deny(reason)` of an Action: 403 `access_denied`, the reason verbatim; on refresh too. */
  denied?: string
  /** `UnauthorizedError` of a Rule: 403 `unauthorized` with this text. */
  ruleError?: string
  /** 429 `too_many_logins`, right password or wrong. Default false. */
  tooManyLogins?: boolean
}

/** A user as the emulator keeps it. */
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

/** What a refresh token may be exchanged for beside its own audience (multi-resource refresh tokens). */
export interface RefreshPolicy {
  audience: string
  scope: string[]
}

/** Settings of the tenant and its one client that a test may change at any time. */
export interface EmulatorTenant extends BrowserSettings, DatabaseSettings {
  /** Names of the database connections. Default `Username-Password-Authentication` and `customers`. */
  connections: string[]
  /** Default Directory of `grant_type=password`. Default the first connection; null: 500 `server_error`. */
  defaultConnection: string | null
  /** Default: `https://api.example.com` with `read:posts write:posts`. */
  apis: EmulatorApi[]
  /** Default Audience of the tenant. Default none. */
  defaultAudience?: string | undefined
  /** Grants the client may use; another one is refused with 403 `unauthorized_client`. Default all that are known. */
  grantTypes: string[]
  /** "Trust Token Endpoint IP Header": `auth0-forwarded-for` counts as the user's address. Default false. */
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
  /** Wrong passwords in a row for an account from an address, then 429 `too_many_attempts`. Default 10. */
  bruteForceThreshold: number
  /** Multi-resource refresh tokens. Default none. */
  refreshPolicies: RefreshPolicy[]
  /** Addresses under suspicious-IP throttling: 429 `too_many_attempts`. Default none. */
  suspiciousAddresses: Set<string>
}

/** Options of `startAuth0Emulator`: the tenant's settings, and what cannot change once it runs. */
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
  /** Where clients reach it, if something stands in front of it. Default: where it listens. */
  domain?: string
}

/** A request as it arrived. */
export interface RecordedRequest {
  method: string
  path: string
  grantType?: string
  /**
   * Body of the emulator's own endpoints, else the query; passwords, one-time codes, MFA tokens, authorization codes, code
   * verifiers and ID tokens are always left out.
   */
  params: Record<string, unknown>
  headers: Record<string, string | string[] | undefined>
  /** The address that attack protection counts: the forwarded one only where it is trusted. */
  clientIp: string
  /** Epoch milliseconds of the emulator's clock. */
  at: number
}

/** Which request is meant. */
export interface RequestMatch {
  /** Default `/oauth/token`. */
  path?: string
  /** Default any. */
  grantType?: string
}

/**
 * What happens to the next matching request in place of a right answer. With none of its members but a match, the
 * answer is an empty 500.
 */
export interface Fault extends RequestMatch {
  /** Default 500 where there is a `body`. */
  status?: number
  /** A string is sent as it is, anything else as JSON. */
  body?: unknown
  headers?: Record<string, string>
  /** Milliseconds of real time before the request is dealt with; with `afterProcessing`, before it is answered. */
  delay?: number
  /** Never answers. */
  hang?: boolean
  /** Destroys the socket. */
  reset?: boolean
  /** Announces the whole length, sends half of the body, then destroys the socket. */
  truncate?: boolean
  /** The request takes effect first: "Auth0 rotated, but the answer was lost". Default false. */
  afterProcessing?: boolean
  /** How many matching requests. Default 1. */
  times?: number
}

/** Stops one request on its way. */
export interface Gate {
  /** Resolves when the request has come to the gate. */
  arrived: Promise<RecordedRequest>
  /** Lets it pass. */
  release(): void
}

/** Undefined takes a member away. */
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
  /** Epoch milliseconds: real time plus what was advanced. */
  now(): number
  advance(seconds: number): void
}

export interface EmulatorRefreshTokens {
  /** Whether it is the newest of a living family. */
  isActive(token: string): boolean
  /** Kills its family, as the Dashboard can. */
  revoke(token: string): void
  /** How many families live. */
  families(): number
}

/** A running Auth0 tenant on the loopback interface, with one client. */
export interface Auth0Emulator {
  /** `http://127.0.0.1:PORT`: the `domain` option of a client. */
  readonly domain: string
  /** The domain with a slash at its end, as in `iss`. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly tenant: EmulatorTenant
  readonly users: EmulatorUsers
  readonly clock: EmulatorClock
  /** Every request so far, oldest first. */
  readonly requests: RecordedRequest[]
  requestsTo(path: string): RecordedRequest[]
  /** Spoils the next matching request. */
  failNext(fault?: Fault): void
  /** Stops the next matching request, before it takes effect or (`after`) before it is answered. */
  hold(match?: RequestMatch & { after?: boolean }): Gate
  /** Lifts the brute-force blocks of an account, as an administrator does. */
  unblock(email: string): void
  /** Forgets all wrong passwords and codes, and resets the limits on messages, signups and password resets. */
  resetCounters(): void
  readonly refreshTokens: EmulatorRefreshTokens
  readonly mfa: EmulatorMfaControls
  /** Signs with the other key from now on; the JWKS always lists both. */
  rotateSigningKeys(): void
  /**
   * A logout token as Auth0 posts it: signed, for this client, valid for 120 seconds. The changes produce every defect
   * that a receiver has to notice.
   */
  logoutToken(changes?: LogoutTokenChanges): Promise<string>
  /** Whom a mail for resetting the password would have gone to, oldest first. Unknown addresses get none. */
  readonly resets: readonly PasswordReset[]
  /** Drops all connections at once. May be called again. */
  close(): Promise<void>
}
