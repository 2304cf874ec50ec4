import type { Refusal } from './refusal.js'

/** Error code and description from Auth0 -> the setting to change. The first match wins. */
const SETTINGS: readonly (readonly [error: RegExp, description: RegExp, setting: string])[] = [
  [
    /^unauthorized_client$/,
    /redirect uri/i,
    'the callback URL in the code exchange differs from the one that the login started with: check interactive.baseUrl',
  ],
  [
    /^unauthorized_client$/,
    /authorization_code/,
    'interactive login is off for this application: turn on Authorization Code under Applications > your application > ' +
      'Advanced Settings > Grant Types',
  ],
  [
    /^/,
    /connection (was )?not found|connection was disabled/i,
    'the connection is unknown or disabled for this application: check its name in the realm option (case matters) against ' +
      'Authentication > Database and the Connections tab of the application',
  ],
  [
    /^server_error$/,
    /default connection/i,
    'the tenant has no Default Directory: set it under Settings > General > API Authorization Settings, or set the realm option',
  ],
  [
    /^unauthorized_client$/,
    /grant-type\/mfa-/i,
    'the MFA grants are off for this application: turn on MFA under Applications > your application > Settings > ' +
      'Advanced Settings > Grant Types',
  ],
  [
    /^unauthorized_client$/,
    /^/,
    'the grant is off for this application: turn it on under Applications > your application > Settings > Advanced Settings > ' +
      'Grant Types (Password; through the Management API both password and http://auth0.com/oauth/grant-type/password-realm)',
  ],
  [
    /^unsupported_grant_type$/,
    /^/,
    'the tenant does not support the password grant: check the grant types of the application and the domain option',
  ],
  [
    /^(access_denied|invalid_request)$/,
    /service not |resource server/i,
    'the audience is unknown or not authorized for this application: check the audience option against Applications > APIs > ' +
      'Identifier',
  ],
  [
    /^(access_denied|invalid_client)$/,
    /^/,
    'Auth0 does not accept the client: check clientId, clientSecret (or clientAuth) and the authentication method under ' +
      'Applications > your application > Credentials',
  ],
  [
    /^invalid_request$/,
    /realm|connection/i,
    'the realm is unknown, disabled or does not accept passwords: check the realm option (case matters) against ' +
      'Authentication > Database',
  ],
  [
    /^invalid_(request|target)$/,
    /audience/i,
    'the audience cannot be used with the password grant: check the audience option',
  ],
  [/^invalid_scope$/, /^/, 'Auth0 does not accept the scope: check the scope option'],
]

const UNTRUSTED =
  'the ID token could not be verified: check domain (its issuer must be the one that the tenant uses), clientId, ' +
  'idTokenSigningAlg (with HS256 also clientSecret) and the clock of this machine'

const MISNAMED =
  'domain responds as a different issuer: set domain to the issuer in its /.well-known/openid-configuration, including ' +
  'the path (the custom domain or the tenant, not an alias of it)'

/** The setting to change, for the log. `code` is Auth0's error code without secrets. */
export function settingToChange({ answer, kind }: Refusal, code = 'no code'): string {
  if (kind === 'untrusted') return UNTRUSTED
  if (kind === 'misnamed') return MISNAMED
  const { error = '', description = '' } = answer ?? {}
  const known = SETTINGS.find(([code, text]) => code.test(error) && text.test(description))
  return known?.[2] ?? `Auth0 rejected the request (${code}): check the settings of the application`
}
