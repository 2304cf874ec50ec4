import { AuthError } from '../errors.js'
import type { Config } from '../options.js'
import type { Login } from '../session/login.js'
import type { TokenSet, TokenVault } from '../session/token-vault.js'
import type { WhoAsks } from './who-asks.js'

/** An access token and what it is good for. */
export interface AccessToken {
  accessToken: string
  tokenType: string
  /** Epoch seconds; at least 30 ahead. */
  expiresAt: number
  scope: string
  audience: string | undefined
}

export interface Wanted {
  /** Default: that of the login. */
  audience?: string
  /** Default: that of the login. */
  scope?: string
}

export interface SessionOf {
  id: string
  login: Login
}

export type FreshToken = (session: SessionOf, wanted: Wanted, who: WhoAsks) => Promise<AccessToken>

/** Seconds that a token must have left. */
const MARGIN = 30

export function createFreshToken({ config, vault }: { config: Config; vault: TokenVault }): FreshToken {
  return async ({ id }, wanted) => {
    const record = await vault.read(id)
    const found = record?.tokenSets.find((set) => suits(set, wanted, config))
    if (!found || found.expiresAt - MARGIN < config.clock() / 1000) throw new AuthError('session_expired')
    return found
  }
}

function suits(set: TokenSet, { audience, scope = '' }: Wanted, config: Config): boolean {
  const granted = set.scope.split(' ')
  return (
    set.audience === (audience ?? config.audience) && scope.split(' ').every((name) => !name || granted.includes(name))
  )
}
