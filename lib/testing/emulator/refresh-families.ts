import { opaqueToken } from './token-minter.js'
import type { EmulatorClock, EmulatorTenant } from './types.js'

/** The grant behind a family of refresh tokens. */
export interface Grant {
  sub: string
  audience: string | undefined
  scope: string[]
  claimScope: string[]
  /** Browser logins only. */
  browserLogin?: BrowserLogin
}

/** ID token claims of browser logins. */
export interface BrowserLogin {
  sid: string
  auth_time: number
}

interface Family {
  grant: Grant
  issuedAt: number
  isRevoked: boolean
}

interface Token {
  family: Family
  parent: Token | undefined
  lastUsedAt: number
  /** Epoch milliseconds. Set when a newer token replaces this one. */
  rotatedAt?: number
}

/** Keeps all refresh tokens ever issued in order to detect reuse. */
export class RefreshFamilies {
  readonly #tenant: EmulatorTenant
  readonly #clock: EmulatorClock
  readonly #tokens = new Map<string, Token>()

  constructor(tenant: EmulatorTenant, clock: EmulatorClock) {
    this.#tenant = tenant
    this.#clock = clock
  }

  found(grant: Grant): string {
    return this.#issue({ grant, issuedAt: this.#now(), isRevoked: false })
  }

  /** Returns the grant of a valid token. Reusing a spent token revokes its whole family. */
  redeem(value: string): Grant | undefined {
    const token = this.#tokens.get(value)
    if (!token) return undefined
    if (token.rotatedAt !== undefined && !this.#isWithinLeeway(token)) token.family.isRevoked = true
    return this.#isAlive(token) ? token.family.grant : undefined
  }

  /** Returns the next token, or undefined if the tenant does not rotate. */
  rotate(value: string): string | undefined {
    const token = this.#tokens.get(value)
    if (!token) return undefined
    token.lastUsedAt = this.#now()
    if (!this.#tenant.rotation) return undefined
    token.rotatedAt ??= this.#now()
    return this.#issue(token.family, token)
  }

  revoke(value: string): void {
    const token = this.#tokens.get(value)
    if (token) token.family.isRevoked = true
  }

  isActive(value: string): boolean {
    const token = this.#tokens.get(value)
    return token !== undefined && token.rotatedAt === undefined && this.#isAlive(token)
  }

  count(): number {
    const alive = [...this.#tokens.values()].filter((token) => token.rotatedAt === undefined && this.#isAlive(token))
    return new Set(alive.map((token) => token.family)).size
  }

  #issue(family: Family, parent?: Token): string {
    const value = opaqueToken()
    this.#tokens.set(value, { family, parent, lastUsedAt: this.#now() })
    return value
  }

  #isAlive({ family, lastUsedAt }: Token): boolean {
    const { refreshTokenLifetime, refreshTokenIdleLifetime } = this.#tenant
    const isFresh = this.#now() < family.issuedAt + refreshTokenLifetime * 1000
    return !family.isRevoked && isFresh && this.#now() < lastUsedAt + refreshTokenIdleLifetime * 1000
  }

  /** The leeway covers only the previous token, and only until its successor is used. */
  #isWithinLeeway(token: Token): boolean {
    const hasSpentSuccessor = [...this.#tokens.values()].some(
      ({ parent, rotatedAt }) => parent === token && rotatedAt !== undefined,
    )
    return !hasSpentSuccessor && this.#now() < (token.rotatedAt ?? 0) + this.#tenant.leeway * 1000
  }

  #now(): number {
    return this.#clock.now()
  }
}
