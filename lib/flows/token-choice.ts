import type { Config } from '../options.js'
import type { TokenRecord, TokenSet } from '../session/token-vault.js'

/** An access token and what it is good for. */
export interface AccessToken {
  accessToken: string
  tokenType: string
  /** Epoch seconds; at least 30 ahead. */
  expiresAt: number
  scope: string
  audience: string | undefined
}

/** The token that a caller asks for. */
export interface Wanted {
  /** Default: that of the login. */
  audience?: string
  /** Default: that of the login. */
  scope?: string
}

export interface Choice {
  config: Config
  /** Seconds that the token must have left. */
  margin: number
}

/** A token of the record that suits and lives long enough. */
export function pick({ tokenSets }: TokenRecord, wanted: Wanted, { config, margin }: Choice): AccessToken | undefined {
  const soonest = config.clock() / 1000 + margin
  return tokenSets.find((set) => set.expiresAt >= soonest && suits(set, wanted, config))
}

function suits(set: TokenSet, { audience, scope = '' }: Wanted, config: Config): boolean {
  const granted = set.scope.split(' ')
  const asked = scope.split(' ').filter(Boolean)
  return set.audience === (audience ?? config.audience) && asked.every((name) => granted.includes(name))
}
