import { decodeJwt } from 'jose'
import type { IDToken, TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client'
import { ApiError } from '../errors.js'
import type { Config } from '../options/options.js'

/** The result of a grant. */
export interface Grant {
  accessToken: string
  tokenType: string
  /** Epoch seconds. */
  expiresAt: number
  /** Granted scopes, separated by spaces. */
  scope: string
  /** As requested; undefined: the tenant's default. */
  audience: string | undefined
  idToken?: string
  refreshToken?: string
  /** Checked claims of the ID token; present when `openid` was asked for. */
  claims?: IDToken
}

export interface ReadContext {
  config: Config
  requested: { audience: string | undefined; scope: string }
}

/** Seconds assumed for a token without a lifetime. */
const UNKNOWN_LIFETIME = 60

/** Checks what openid-client does not, and renames the members. */
export function readGrant(
  response: TokenEndpointResponse & TokenEndpointResponseHelpers,
  { config, requested }: ReadContext,
): Grant {
  const claims = response.claims()
  if (splitScope(requested.scope).includes('openid') && !claims?.sub) {
    throw new ApiError({ detail: 'Auth0 granted openid but returned no ID token with a subject' })
  }
  const { id_token: idToken, refresh_token: refreshToken } = response
  return {
    accessToken: response.access_token,
    // openid-client lowercases it. RFC 6750 spells it this way.
    tokenType: response.token_type === 'bearer' ? 'Bearer' : response.token_type,
    expiresAt: Math.floor(config.clock() / 1000) + (response.expires_in ?? UNKNOWN_LIFETIME),
    scope: response.scope ?? assumedScope(requested.scope, refreshToken),
    audience: requested.audience,
    ...(idToken !== undefined && { idToken }),
    ...(refreshToken !== undefined && { refreshToken }),
    ...(claims && { claims }),
  }
}

/** Auth0 omits the scope if everything was granted. Only a refresh token proves offline_access. */
function assumedScope(requested: string, refreshToken: string | undefined): string {
  const scopes = splitScope(requested)
  return scopes.filter((scope) => scope !== 'offline_access' || refreshToken !== undefined).join(' ')
}

/** Audiences of an access token; none of one that is not a JWT. */
export function tokenAudiences(accessToken: string): string[] {
  try {
    return [decodeJwt(accessToken).aud ?? []].flat()
  } catch {
    return []
  }
}

/** Auth0's RBAC permissions of an access token; undefined where it carries none. */
export function permissionsOf(accessToken: string): string[] | undefined {
  try {
    const { permissions } = decodeJwt(accessToken)
    return Array.isArray(permissions) ? permissions.filter((name) => typeof name === 'string') : undefined
  } catch {
    return undefined
  }
}

/** Claims that describe the token, not the person. */
const PROTOCOL_CLAIMS = new Set(
  'iss aud exp iat nbf jti nonce azp at_hash c_hash s_hash sid auth_time acr amr'.split(' '),
)

/** The claims of an ID token that describe the person. */
export function profileOf(claims: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([claim]) => !PROTOCOL_CLAIMS.has(claim)))
}

export function splitScope(scope: string): string[] {
  return scope.split(/\s+/).filter(Boolean)
}
