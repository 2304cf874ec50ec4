import { plainAddress } from '../ip-address.js'
import { doubtAbout } from '../typed-name.js'
import type { Config } from '../options/options.js'
import { definedOnly, optionalText, requiredText } from './arguments.js'
import { amongLogins } from './at-once.js'
import { FORWARDED_FOR } from './client.js'
import type { Grant } from './token-response.js'
import { verifiedGrant, type GrantParts, type GrantRequest } from './verified-grant.js'

const PASSWORD = 'password'
const PASSWORD_REALM = 'http://auth0.com/oauth/grant-type/password-realm'

/** Arguments of a password grant. */
export interface PasswordGrantArguments {
  /** Email address, username, or phone number, depending on the connection. */
  username: string
  /** Sent to Auth0 unchanged. */
  password: string
  /** Database connection. Default: the `realm` option. */
  realm?: string | undefined
  /** Default: the `audience` option. */
  audience?: string | undefined
  /** Default: the `scope` option. */
  scope?: string | undefined
  /** The end user's IP address, for Auth0's attack protection. Ignored without `forwardClientIp`, or if it is invalid. */
  auth0ForwardedFor?: string | undefined
}

export type PasswordGrantParts = GrantParts

/**
 * Requests a password grant (RFC 6749, 4.3), or Auth0's password-realm grant if there is a realm. Never retried, because
 * each attempt counts towards blocking the account.
 */
export async function passwordGrant(parts: PasswordGrantParts, given: PasswordGrantArguments): Promise<Grant> {
  const { grantType, parameters, address } = readArguments(parts.config, given)
  const { username, password, audience, scope } = parameters
  const request: GrantRequest = {
    grantType,
    parameters: definedOnly({ ...parameters, [FORWARDED_FOR]: address }),
    requested: { audience, scope },
    step: 'login',
    // Users sometimes type their password into the username field.
    conceal: doubtAbout({ username, password }, true) ? [password, username] : [password],
  }
  const { grant } = await amongLogins(() => verifiedGrant(parts, request))
  return grant
}

/** Validates at run time, for callers in JavaScript. */
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
