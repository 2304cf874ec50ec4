import { randomBytes } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { epochSeconds } from './clock.js'
import { signWithSecret, type SigningKeys } from './signing-keys.js'
import type { EmulatorClock, EmulatorTenant, StoredUser } from './types.js'
import { userClaims } from './user-claims.js'

export interface Subject {
  user: StoredUser
  /** If absent, the token is opaque and works only at /userinfo. */
  audience: string | undefined
  scope: string[]
  /** Scopes that select the ID token claims. */
  claimScope: string[]
  /** Absent for browser logins. */
  gty: string | string[] | undefined
  /** ID token claims about the login. */
  loginClaims?: object | undefined
}

export interface MinterParts {
  issuer: string
  clientId: string
  /** Set if ID tokens are signed with HS256. */
  idTokenSecret: string | undefined
  keys: SigningKeys
  tenant: EmulatorTenant
  clock: EmulatorClock
}

interface KnownAccess {
  sub: string
  scope: string[]
  expiresAt: number
}

/** Issues tokens on the emulator's clock and tracks which ones are valid at /userinfo. */
export class TokenMinter {
  readonly #parts: MinterParts
  readonly #access = new Map<string, KnownAccess>()

  constructor(parts: MinterParts) {
    this.#parts = parts
  }

  /** Members common to all token responses. */
  async mint(subject: Subject): Promise<Record<string, unknown>> {
    const access_token = await this.#accessToken(subject)
    const answer = { access_token, expires_in: this.#parts.tenant.accessTokenTtl, token_type: 'Bearer' }
    return subject.scope.includes('openid') ? { ...answer, id_token: await this.#idToken(subject) } : answer
  }

  /** The user of a token for /userinfo. */
  accessOf(token: string): KnownAccess | undefined {
    const access = this.#access.get(token)
    return access && access.expiresAt > epochSeconds(this.#parts.clock) ? access : undefined
  }

  async #accessToken(subject: Subject): Promise<string> {
    const expiresAt = epochSeconds(this.#parts.clock) + this.#parts.tenant.accessTokenTtl
    const { audience, scope, user } = subject
    const token =
      audience === undefined ? opaqueToken() : await this.#signedAccessToken({ ...subject, audience }, expiresAt)
    if (scope.includes('openid')) this.#access.set(token, { sub: user.sub, scope, expiresAt })
    return token
  }

  #signedAccessToken({ user, audience, scope, gty }: Subject & { audience: string }, exp: number): Promise<string> {
    const { issuer, clientId, keys, tenant, clock } = this.#parts
    const aud = scope.includes('openid') ? [audience, `${issuer}userinfo`] : audience
    const times = { iat: epochSeconds(clock), exp }
    const claims = { iss: issuer, sub: user.sub, aud, ...times, scope: scope.join(' '), gty, azp: clientId }
    const { rbac = false } = tenant.apis.find((api) => api.audience === audience) ?? {}
    return keys.sign(rbac ? { ...claims, permissions: user.permissions ?? [] } : claims)
  }

  #idToken({ user, claimScope, loginClaims }: Subject): Promise<string> {
    const { issuer, clientId, idTokenSecret, keys, tenant, clock } = this.#parts
    const iat = epochSeconds(clock)
    const registered = { iss: issuer, aud: clientId, sub: user.sub, iat, exp: iat + tenant.idTokenTtl }
    const claims: JWTPayload = { ...userClaims(user, claimScope), ...registered, ...loginClaims }
    return idTokenSecret === undefined ? keys.sign(claims) : signWithSecret(claims, idTokenSecret)
  }
}

export function opaqueToken(): string {
  return randomBytes(32).toString('base64url')
}
