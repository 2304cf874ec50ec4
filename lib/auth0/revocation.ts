import { tokenRevocation } from 'openid-client'
import { MissingRequiredArgumentError } from '../errors.js'
import type { Auth0Client } from './client.js'
import { toAuthError } from './oauth-error.js'

/** Revokes a refresh token (RFC 7009) and all tokens of its rotation family. */
export async function revokeRefreshToken(client: Auth0Client, refreshToken: unknown): Promise<void> {
  if (typeof refreshToken !== 'string' || !refreshToken) throw new MissingRequiredArgumentError('refreshToken')
  const configuration = await client.configuration()
  try {
    await tokenRevocation(configuration, refreshToken, { token_type_hint: 'refresh_token' })
  } catch (err) {
    const { host } = new URL(configuration.serverMetadata().issuer)
    throw await toAuthError(err, { step: 'revoke', host, conceal: [refreshToken] })
  }
}
