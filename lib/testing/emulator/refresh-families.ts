import { opaqueToken } from './token-minter.js'
import type { EmulatorClock, EmulatorTenant } from './types.js'

/** What the login granted that a family of refresh tokens stems from. */
export interface Grant {
  sub: string
  audience: string | undefined
  scope: string[]
  claimScope: string[]
  /** Of a login in the browser. */
  browserLogin?: BrowserLogin
}

/** Claims of the ID tokens of a login in the browser. */
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
  /** Epoch milliseconds; set once a newer token has taken its place. */
  rotatedAt?: number
}

/** All refresh tokens ever issued, so that reuse of a spent token is detected. */
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

  /** The grant of a usable token. One that was spent already takes its whole family down. */
  redeem(value: string): Grant | undefined {
    const token = this.#tokens.get(value)
    if (!token) return undefined
    if (token.rotatedAt !== undefined && !this.#isWithinLeeway(token)) token.family.isRevoked = true
    return this.#isAlive(token) ? token.family.grant : undefined
  }

  /** The token that replaces a redeemed one, or nothing where the tenant does not rotate. */
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

  /** Only the immediately previous token has a leeway: not one whose successor was spent as well. */
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
