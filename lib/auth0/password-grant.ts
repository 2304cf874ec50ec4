import { genericGrantRequest } from 'openid-client'
import { plainAddress } from '../ip-address.js'
import type { Config } from '../options/options.js'
import { definedOnly, optionalText, requiredText } from './arguments.js'
import { FORWARDED_FOR, type Auth0Client } from './client.js'
import type { VerifySignature } from './id-token.js'
import { toAuthError } from './oauth-error.js'
import { revokeRefreshToken } from './revocation.js'
import { readGrant, type Grant } from './token-response.js'

const PASSWORD = 'password'
const PASSWORD_REALM = 'http://auth0.com/oauth/grant-type/password-realm'

/** Arguments of a password grant. */
export interface PasswordGrantArguments {
  /** Email address, username or phone number, whatever the connection knows users by. */
  username: string
  /** Passed on byte for byte. */
  password: string
  /** Database connection. Default: the `realm` option. */
  realm?: string | undefined
  /** Default: the `audience` option. */
  audience?: string | undefined
  /** Default: the `scope` option. */
  scope?: string | undefined
  /** The end user's IP address, for Auth0's attack protection. Ignored unless `forwardClientIp`, or if it is none. */
  auth0ForwardedFor?: string | undefined
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
export async function passwordGrant(parts: PasswordGrantParts, given: PasswordGrantArguments): Promise<Grant> {
  const { client, config, verify } = parts
  const { grantType, parameters, address } = readArguments(config, given)
  const { password, audience, scope } = parameters
  const configuration = await client.configuration()
  let grant: Grant | undefined
  try {
    const sent = definedOnly({ ...parameters, [FORWARDED_FOR]: address })
    const response = await genericGrantRequest(configuration, grantType, sent)
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

/** Checked before anything is sent: callers in JavaScript hand on what they were given. */
function readArguments(config: Config, given: Partial<PasswordGrantArguments> | undefined) {
  const { username, password, auth0ForwardedFor, ...wanted } = given ?? {}
  const realm = optionalText('realm', wanted.realm) ?? config.realm
  const address = optionalText('auth0ForwardedFor', auth0ForwardedFor)
  return {
    grantType: realm === undefined ? PASSWORD : PASSWORD_REALM,
    parameters: {
      username: requiredText('username', username),
      password: requiredText('password', password),
      scope: optionalText('scope', wanted.scope) ?? config.scope,
      audience: optionalText('audience', wanted.audience) ?? config.audience,
      realm,
    },
    address: config.forwardClientIp && address !== undefined ? plainAddress(address) : undefined,
  }
}
