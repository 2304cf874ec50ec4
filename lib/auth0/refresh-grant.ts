import { refreshTokenGrant } from 'openid-client'
import { MissingRequiredArgumentError } from '../errors.js'
import type { Config } from '../options.js'
import type { Auth0Client } from './client.js'
import { toAuthError } from './oauth-error.js'
import { readGrant, splitScope, type Grant } from './token-response.js'

export interface RefreshGrantArguments {
  refreshToken: string
  /** Another API than that of the login (Multi-Resource Refresh Token). */
  audience?: string
  /** Fewer scopes than those of the login. */
  scope?: string
}

/** One refresh (RFC 6749, 6). `session_expired` when Auth0 refuses the token for good. */
export async function refreshGrant(
  client: Auth0Client,
  config: Config,
  { refreshToken, audience, scope }: RefreshGrantArguments,
): Promise<Grant> {
  if (!refreshToken) throw new MissingRequiredArgumentError('refreshToken')
  const configuration = await client.configuration()
  const parameters = { ...(audience !== undefined && { audience }), ...(scope !== undefined && { scope }) }
  try {
    const response = await refreshTokenGrant(configuration, refreshToken, parameters)
    const withoutOpenid = splitScope(scope ?? '').filter((name) => name !== 'openid')
    return readGrant(response, { config, requested: { audience, scope: withoutOpenid.join(' ') } })
  } catch (err) {
    const conceal = [refreshToken, config.clientSecret]
    throw await toAuthError(err, { step: 'refresh', host: config.issuer.host, conceal })
  }
}
