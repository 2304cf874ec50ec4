import { genericGrantRequest } from 'openid-client'
import { MissingRequiredArgumentError } from '../errors.js'
import type { Config } from '../options.js'
import type { Auth0Client } from './client.js'
import { toAuthError } from './oauth-error.js'
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

/**
 * One password grant (RFC 6749, 4.3), with a realm Auth0's own password-realm grant. Never retried: each try counts
 * towards the block of the account.
 */
export async function passwordGrant(
  client: Auth0Client,
  config: Config,
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
  try {
    const response = await client.onBehalfOf(config.forwardClientIp ? auth0ForwardedFor : undefined, () =>
      genericGrantRequest(configuration, grantType, parameters),
    )
    return await readGrant(response, { config, requested: { audience, scope } })
  } catch (err) {
    throw await toAuthError(err, { step: 'login', conceal: [password, config.clientSecret] })
  }
}
