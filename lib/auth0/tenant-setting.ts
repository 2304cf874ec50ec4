import type { Refusal } from './refusal.js'

/** Error code and description of Auth0 -> the setting that an operator has to change. First match wins. */
const SETTINGS: readonly (readonly [error: RegExp, description: RegExp, setting: string])[] = [
  [
    /^unauthorized_client$/,
    /redirect uri/i,
    'the callback URL of the code exchange is not the one that the login began with: check interactive.baseUrl',
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
    'the connection is unknown or disabled for this application: check its name in the option realm (case matters) against ' +
      'Authentication > Database and the Connections tab of the application',
  ],
  [
    /^server_error$/,
    /default connection/i,
    'the tenant has no Default Directory: set it under Settings > General > API Authorization Settings, or set the option realm',
  ],
  [
    /^unauthorized_client$/,
    /grant-type\/mfa-/i,
    'the MFA grants are off for this application: turn on MFA under Applications > your application > Advanced Settings > ' +
      'Grant Types',
  ],
  [
    /^unauthorized_client$/,
    /^/,
    'the grant is off for this application: turn it on under Applications > your application > Advanced Settings > Grant Types ' +
      '(Password; through the Management API both password and http://auth0.com/oauth/grant-type/password-realm)',
  ],
  [
    /^unsupported_grant_type$/,
    /^/,
    'the tenant does not support the password grant: check the grant types of the application and the domain option',
  ],
  [
    /^(access_denied|invalid_request)$/,
    /service not |resource server/i,
    'the audience is unknown or closed to this application: check the option audience against Applications > APIs > Identifier',
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
    'the realm is unknown, disabled or cannot take passwords: check the option realm (case matters) against Authentication > Database',
  ],
  [
    /^invalid_(request|target)$/,
    /audience/i,
    'the audience cannot be used with the password grant: check the option audience',
  ],
  [/^invalid_scope$/, /^/, 'Auth0 does not accept the scope: check the option scope'],
]

const UNTRUSTED =
  'the ID token does not verify: check domain (the one host whose issuer the tenant uses), clientId, idTokenSigningAlg ' +
  '(with HS256 also clientSecret) and the clock of this machine'

const MISNAMED =
  'domain answers, but as another issuer: set domain to the issuer that its /.well-known/openid-configuration names ' +
  '(the custom domain or the tenant, not an alias of it), path included'

/** The setting to change, in words for the log; `code` is what may be shown of Auth0's. */
export function settingToChange({ answer, kind }: Refusal, code = 'no code'): string {
  if (kind === 'untrusted') return UNTRUSTED
  if (kind === 'misnamed') return MISNAMED
  const { error = '', description = '' } = answer ?? {}
  const known = SETTINGS.find(([code, text]) => code.test(error) && text.test(description))
  return known?.[2] ?? `Auth0 refused the request itself (${code}): check the settings of the application`
}
