import { genericGrantRequest } from 'openid-client'
import type { TokenEndpointResponse } from 'openid-client'
import type { Config } from '../options/options.js'
import type { Auth0Client } from './client.js'
import type { VerifySignature } from './id-token.js'
import { toAuthError, type Step } from './oauth-error.js'
import { revokeRefreshToken } from './revocation.js'
import { readGrant, type Grant, type ReadContext } from './token-response.js'

export interface GrantParts {
  client: Auth0Client
  config: Config
  verify: VerifySignature
}

export interface GrantRequest {
  grantType: string
  parameters: Record<string, string>
  requested: ReadContext['requested']
  step: Step
  /** Secrets among the parameters. */
  conceal: (string | undefined)[]
}

/** Requests a grant and verifies its ID token. If that fails, the issued refresh token is revoked. */
export async function verifiedGrant(
  { client, config, verify }: GrantParts,
  { grantType, parameters, requested, step, conceal }: GrantRequest,
): Promise<{ grant: Grant; response: TokenEndpointResponse }> {
  const configuration = await client.configuration()
  let issued: string | undefined
  try {
    const response = await genericGrantRequest(configuration, grantType, parameters)
    issued = response.refresh_token
    const grant = readGrant(response, { config, requested })
    if (grant.idToken !== undefined) await verify(grant.idToken)
    return { grant, response }
  } catch (err) {
    // An untrusted token must not stay valid.
    if (issued !== undefined) void revokeRefreshToken(client, issued).catch(() => undefined)
    throw await toAuthError(err, { step, host: config.issuer.host, conceal: [...conceal, config.clientSecret] })
  }
}
