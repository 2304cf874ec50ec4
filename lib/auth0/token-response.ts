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
  /** As requested. Undefined means the tenant's default. */
  audience: string | undefined
  idToken?: string
  refreshToken?: string
  /** Verified claims of the ID token. Present if `openid` was requested. */
  claims?: IDToken
}

export interface ReadContext {
  config: Config
  requested: { audience: string | undefined; scope: string }
}

/** Assumed lifetime in seconds if Auth0 sends none. */
const UNKNOWN_LIFETIME = 60

/** Converts a response and checks that it has an ID token if `openid` was requested. */
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
    // openid-client lowercases it. RFC 6750 spells it `Bearer`.
    tokenType: response.token_type === 'bearer' ? 'Bearer' : response.token_type,
    expiresAt: Math.floor(config.clock() / 1000) + (response.expires_in ?? UNKNOWN_LIFETIME),
    scope: response.scope ?? assumedScope(requested.scope, refreshToken),
    audience: requested.audience,
    ...(idToken !== undefined && { idToken }),
    ...(refreshToken !== undefined && { refreshToken }),
    ...(claims && { claims }),
  }
}

/** Auth0 omits the scope if it granted everything. Only a refresh token proves `offline_access`. */
function assumedScope(requested: string, refreshToken: string | undefined): string {
  const scopes = splitScope(requested)
  return scopes.filter((scope) => scope !== 'offline_access' || refreshToken !== undefined).join(' ')
}

/** Audiences of an access token. Empty if it is not a JWT. */
export function tokenAudiences(accessToken: string): string[] {
  try {
    return [decodeJwt(accessToken).aud ?? []].flat()
  } catch {
    return []
  }
}

/** Auth0's RBAC permissions in an access token. Undefined if it has no such claim. */
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
