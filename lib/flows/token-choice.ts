import { AuthError } from '../errors.js'
import type { Config } from '../options/options.js'
import { isPlain } from '../options/plain-object.js'
import type { TokenRecord, TokenSet } from '../session/session-vault.js'
import { lacking } from './insufficient-scope.js'

/** An access token with its audience, scope, and expiry. */
export interface AccessToken {
  accessToken: string
  tokenType: string
  /** Epoch seconds. At least 30 seconds ahead if the session has a refresh token. */
  expiresAt: number
  scope: string
  audience: string | undefined
}

/** The requested token. */
export interface Wanted {
  /** Default: the audience of the login. */
  audience?: string | undefined
  /** Scopes separated by spaces. Default: the scopes of the login. */
  scope?: string | undefined
}

/** Refuses unknown members, because apps may pass user input, and all of it would be sent to Auth0. */
export function readWanted(asked: unknown): Wanted {
  if (asked === undefined) return {}
  if (!isPlain(asked)) throw invalid('wanted', 'must be { audience, scope }')
  const wanted: Wanted = {}
  for (const [name, value] of Object.entries(asked)) {
    if (name !== 'audience' && name !== 'scope') throw invalid(name, 'is not supported: use only audience and scope')
    if (value === undefined) continue
    if (typeof value !== 'string' || !value.trim()) throw invalid(name, 'must be a non-empty string')
    wanted[name] = value.trim()
  }
  return wanted
}

function invalid(name: string, reason: string): AuthError {
  return new AuthError('invalid_request', { detail: `${name} ${reason}`, body: { fields: { [name]: reason } } })
}

/** Seconds that a token must have left. */
export const MARGIN = 30

export interface Choice {
  config: Config
  /** Seconds that the token must have left. */
  margin: number
}

/** A stored token that matches the request and is valid for long enough. */
export function pick({ tokenSets }: TokenRecord, wanted: Wanted, { config, margin }: Choice): AccessToken | undefined {
  const soonest = config.clock() / 1000 + margin
  const found = tokenSets.find((set) => set.expiresAt >= soonest && suits(set, wanted, config))
  if (!found) return undefined
  const { accessToken, tokenType, expiresAt, scope, audience } = found
  return { accessToken, tokenType, expiresAt, scope, audience }
}

/** Without requested scopes, only a token with all scopes of the login matches. */
function suits(set: TokenSet, { audience, scope }: Wanted, config: Config): boolean {
  if (set.audience !== (audience ?? config.audience)) return false
  return scope === undefined ? !set.narrowed : covers(set.scope, scope)
}

/** Whether all requested scopes were granted. */
export function covers(granted: string, asked: string): boolean {
  return lacking(granted, asked).length === 0
}
