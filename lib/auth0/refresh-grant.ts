import { refreshTokenGrant } from 'openid-client'
import type { Config } from '../options/options.js'
import { definedOnly, optionalText, requiredText } from './arguments.js'
import type { Auth0Client } from './client.js'
import { toAuthError } from './oauth-error.js'
import { readGrant, splitScope, type Grant } from './token-response.js'

export interface RefreshGrantArguments {
  refreshToken: string
  /** A different API than that of the login (Multi-Resource Refresh Token). Default: the API of the login. */
  audience?: string | undefined
  /** A subset of the scopes of the login. Default: all of them. */
  scope?: string | undefined
}

/** Requests a refresh grant (RFC 6749, 6). Rejects with `session_expired` if Auth0 refuses the token for good. */
export async function refreshGrant(client: Auth0Client, config: Config, given: RefreshGrantArguments): Promise<Grant> {
  const { refreshToken, audience, scope } = readArguments(given)
  const configuration = await client.configuration()
  try {
    const response = await refreshTokenGrant(configuration, refreshToken, definedOnly({ audience, scope }))
    const withoutOpenid = splitScope(scope ?? '').filter((name) => name !== 'openid')
    return readGrant(response, { config, requested: { audience, scope: withoutOpenid.join(' ') } })
  } catch (err) {
    const conceal = [refreshToken, config.clientSecret]
    throw await toAuthError(err, { step: 'refresh', host: config.issuer.host, conceal })
  }
}

function readArguments(given: Partial<RefreshGrantArguments> | undefined) {
  const { refreshToken, audience, scope } = given ?? {}
  return {
    refreshToken: requiredText('refreshToken', refreshToken),
    audience: optionalText('audience', audience),
    scope: optionalText('scope', scope),
  }
}
