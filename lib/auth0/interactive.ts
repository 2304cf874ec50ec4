import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import { AuthError } from '../errors.js'
import { definedOnly, optionalText, requiredText } from './arguments.js'
import { amongLogins } from './at-once.js'
import { toAuthError } from './oauth-error.js'
import { revokeRefreshToken } from './revocation.js'
import { readGrant, splitScope, type Grant } from './token-response.js'
import type { GrantParts } from './verified-grant.js'

export interface BeginInteractiveArguments {
  /** An Allowed Callback URL of the application, without a query. */
  redirectUri: string
  /** Default: the `scope` option. */
  scope?: string | undefined
  /** Default: the `audience` option. */
  audience?: string | undefined
  /** Username to prefill on the login page. */
  loginHint?: string | undefined
  /** Name of a connection. Default: all that the tenant offers. */
  connection?: string | undefined
  /** `login` always asks for the password, and `none` never shows a page. */
  prompt?: string | undefined
}

/** Store everything except the URL on the server until the browser returns. */
export interface InteractiveTransaction {
  /** URL of Auth0's login page, with all parameters. */
  url: string
  state: string
  nonce: string
  codeVerifier: string
}

type Parts = Pick<GrantParts, 'client' | 'config'>

/** Begins a login on Auth0's own page (authorization code with PKCE). */
export async function beginInteractive(
  { client, config }: Parts,
  given: BeginInteractiveArguments,
): Promise<InteractiveTransaction> {
  const parameters = {
    redirect_uri: requiredText('redirectUri', given.redirectUri),
    scope: optionalText('scope', given.scope) ?? config.scope,
    audience: optionalText('audience', given.audience) ?? config.audience,
    login_hint: optionalText('loginHint', given.loginHint),
    connection: optionalText('connection', given.connection),
    prompt: optionalText('prompt', given.prompt),
    // With it, the ID token says when the user last entered a password (OpenID Connect Core, 3.1.2.1).
    max_age: String(config.session.ordinary.absoluteTimeout),
  }
  const [state, nonce, codeVerifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()]
  const challenge = await calculatePKCECodeChallenge(codeVerifier)
  const proof = { state, nonce, code_challenge: challenge, code_challenge_method: 'S256' }
  const { href: url } = buildAuthorizationUrl(await client.configuration(), definedOnly({ ...parameters, ...proof }))
  return { url, state, nonce, codeVerifier }
}

export interface FinishInteractiveArguments extends Omit<InteractiveTransaction, 'url'> {
  /** The URL of the callback request. Only its query is used. */
  callback: URL
  /** The same as for {@link beginInteractive}. */
  redirectUri: string
  /** As requested. */
  scope: string
  /** As requested. */
  audience: string | undefined
}

/**
 * Exchanges the code of a callback. Rejects with `login_transaction_missing` if the callback belongs to another login or
 * the code was already used, and otherwise with the error that Auth0 returned.
 */
export function finishInteractive(parts: GrantParts, given: FinishInteractiveArguments): Promise<Grant> {
  return amongLogins(() => exchange(parts, given))
}

async function exchange({ client, config, verify }: GrantParts, given: FinishInteractiveArguments): Promise<Grant> {
  const { state, nonce, codeVerifier, scope, audience } = given
  const configuration = await client.configuration()
  const answer = readCallback(given, configuration.serverMetadata())
  let refreshToken: string | undefined
  try {
    const response = await authorizationCodeGrant(configuration, answer, {
      expectedState: state,
      pkceCodeVerifier: codeVerifier,
      // With a nonce, openid-client requires an ID token.
      ...(splitScope(scope).includes('openid') && { expectedNonce: nonce }),
    })
    refreshToken = response.refresh_token
    const grant = readGrant(response, { config, requested: { audience, scope } })
    if (grant.idToken !== undefined) await verify(grant.idToken)
    return grant
  } catch (err) {
    // An untrusted token must not stay valid.
    if (refreshToken !== undefined) void revokeRefreshToken(client, refreshToken).catch(() => undefined)
    const conceal = [answer.searchParams.get('code') ?? undefined, codeVerifier, config.clientSecret]
    throw await toAuthError(err, { step: 'interactive', host: config.issuer.host, conceal })
  }
}

/** Ignores other parameters, which do not come from Auth0. */
const CALLBACK_PARAMETERS = ['code', 'state', 'error', 'error_description', 'iss']

interface Issuer {
  issuer: string
  authorization_response_iss_parameter_supported?: boolean
}

/** Never a configuration error, because anyone can call the callback URL with any parameters. */
function readCallback({ callback, redirectUri, state }: FinishInteractiveArguments, server: Issuer): URL {
  const answer = new URL(redirectUri)
  for (const name of CALLBACK_PARAMETERS) {
    const values = callback.searchParams.getAll(name)
    if (values.length > 1) throw notOfThisLogin(`${name} occurs more than once`)
    if (values[0]) answer.searchParams.set(name, values[0])
  }
  const { searchParams: found } = answer
  if (found.get('state') !== state) throw notOfThisLogin('another state')
  if (!isIssuer(found.get('iss'), server)) throw notOfThisLogin('another issuer')
  if (!found.has('code') && !found.has('error')) throw notOfThisLogin('neither code nor error')
  return answer
}

function isIssuer(iss: string | null, server: Issuer): boolean {
  if (iss === null) return !server.authorization_response_iss_parameter_supported
  return iss === server.issuer
}

function notOfThisLogin(reason: string): AuthError {
  return new AuthError('login_transaction_missing', {
    detail: `the callback does not belong to this login: ${reason}`,
  })
}

export interface LogoutUrlArguments {
  /** `sid` claim of the ID token from the login. */
  sid?: string | undefined
  idTokenHint?: string | undefined
  /** An Allowed Logout URL. */
  returnTo: string
  /** Also log out of the identity provider that Auth0 used. */
  federated?: boolean | undefined
}

/** URL at which a browser ends its Auth0 session. Without `sid` or ID token, Auth0 may ask the user to confirm. */
export async function logoutUrl({ client, config }: Parts, given: LogoutUrlArguments): Promise<string> {
  const returnTo = requiredText('returnTo', given.returnTo)
  const configuration = await client.configuration()
  const hints = {
    logout_hint: optionalText('sid', given.sid),
    id_token_hint: optionalText('idTokenHint', given.idTokenHint),
  }
  const url = configuration.serverMetadata().end_session_endpoint
    ? buildEndSessionUrl(configuration, definedOnly({ ...hints, post_logout_redirect_uri: returnTo }))
    : olderLogoutUrl(config.issuer, { client_id: config.clientId, returnTo })
  return given.federated ? `${url.href}&federated` : url.href
}

/** For tenants without RP-initiated logout. */
function olderLogoutUrl(issuer: URL, parameters: Record<string, string>): URL {
  const url = new URL('/v2/logout', issuer)
  url.search = new URLSearchParams(parameters).toString()
  return url
}
