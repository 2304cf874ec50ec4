import { ApiError } from '../errors.js'
import { plainAddress } from '../ip-address.js'
import { doubtAbout } from '../typed-name.js'
import type { Config } from '../options/options.js'
import { definedOnly, optionalText, requiredText } from './arguments.js'
import { FORWARDED_FOR } from './client.js'
import type { Grant } from './token-response.js'
import { verifiedGrant, type GrantParts } from './verified-grant.js'

const PASSWORD = 'password'
const PASSWORD_REALM = 'http://auth0.com/oauth/grant-type/password-realm'

/** In this process. Fewer than connections, so that refreshes still get one while a tenant leaves password grants waiting. */
const MOST_AT_ONCE = 64
let underWay = 0

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

export type PasswordGrantParts = GrantParts

/**
 * One password grant (RFC 6749, 4.3), with a realm Auth0's own password-realm grant. Never retried: each try counts
 * towards the block of the account. Beyond {@link MOST_AT_ONCE} it rejects with `auth_unavailable`.
 */
export async function passwordGrant(parts: PasswordGrantParts, given: PasswordGrantArguments): Promise<Grant> {
  const { grantType, parameters, address } = readArguments(parts.config, given)
  const { username, password, audience, scope } = parameters
  if (underWay >= MOST_AT_ONCE) throw new ApiError({ detail: TOO_MANY })
  underWay += 1
  try {
    const { grant } = await verifiedGrant(parts, {
      grantType,
      parameters: definedOnly({ ...parameters, [FORWARDED_FOR]: address }),
      requested: { audience, scope },
      step: 'login',
      // People type passwords into the wrong field.
      conceal: doubtAbout({ username, password }, true) ? [password, username] : [password],
    })
    return grant
  } finally {
    underWay -= 1
  }
}

const TOO_MANY = `auth_unavailable: ${String(MOST_AT_ONCE)} password grants are waiting for Auth0 in this process`

/** Checked at run time before anything is sent, for callers in JavaScript. */
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
