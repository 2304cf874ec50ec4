import { genericGrantRequest } from 'openid-client'
import { MissingRequiredArgumentError } from '../errors.js'
import type { Config } from '../options.js'
import type { Auth0Client } from './client.js'
import type { VerifySignature } from './id-token.js'
import { toAuthError } from './oauth-error.js'
import { revokeRefreshToken } from './revocation.js'
import { readGrant, type Grant } from './token-response.js'

const PASSWORD = 'password'
const PASSWORD_REALM = 'http://auth0.com/oauth/grant-type/password-realm'

/** Arguments of a password grant. */
export interface PasswordGrantArguments {
  /** E-mail address, user name or phone number, whatever the connection knows users by. */
  username: string
  /** Passed on byte for byte. */
  password: string
  /** Database connection. Default: the `realm` option. */
  realm?: string
  /** Default: the `audience` option. */
  audience?: string
  /** Default: the `scope` option. */
  scope?: string
  /** The end user's IP address, for Auth0's attack protection. Ignored unless `forwardClientIp`. */
  auth0ForwardedFor?: string
}

export interface PasswordGrantParts {
  client: Auth0Client
  config: Config
  verify: VerifySignature
}

/**
 * One password grant (RFC 6749, 4.3), with a realm Auth0's own password-realm grant. Never retried: each try counts
 * towards the block of the account.
 */
export async function passwordGrant(
  { client, config, verify }: PasswordGrantParts,
  { username, password, auth0ForwardedFor, ...wanted }: PasswordGrantArguments,
): Promise<Grant> {
  if (!username) throw new MissingRequiredArgumentError('username')
  if (!password) throw new MissingRequiredArgumentError('password')
  const { realm = config.realm, audience = config.audience, scope = config.scope } = wanted
  const grantType = realm === undefined ? PASSWORD : PASSWORD_REALM
  const parameters = {
    username,
    password,
    scope,
    ...(audience !== undefined && { audience }),
    ...(realm !== undefined && { realm }),
  }
  const configuration = await client.configuration()
  let grant: Grant | undefined
  try {
    const response = await client.onBehalfOf(config.forwardClientIp ? auth0ForwardedFor : undefined, () =>
      genericGrantRequest(configuration, grantType, parameters),
    )
    grant = readGrant(response, { config, requested: { audience, scope } })
    if (grant.idToken !== undefined) await verify(grant.idToken)
    return grant
  } catch (err) {
    // Issued, but not to be trusted: nobody shall hold it.
    if (grant?.refreshToken !== undefined) void revokeRefreshToken(client, grant.refreshToken).catch(() => undefined)
    const conceal = [password, config.clientSecret]
    throw await toAuthError(err, { step: 'login', host: config.issuer.host, conceal })
  }
}
