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
  /** What the login page shows as the username. */
  loginHint?: string | undefined
  /** Name of a connection. Default: what the tenant offers. */
  connection?: string | undefined
  /** `login` asks for the password even in a session of the browser; `none` never shows a page. */
  prompt?: string | undefined
}

/** Everything but the URL must be kept on the server until the browser comes back. */
export interface InteractiveTransaction {
  /** Where the browser goes. */
  url: string
  state: string
  nonce: string
  codeVerifier: string
}

type Parts = Pick<GrantParts, 'client' | 'config'>

/** Begins a login at Auth0's own page (authorization code with PKCE). */
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
  }
  const [state, nonce, codeVerifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()]
  const challenge = await calculatePKCECodeChallenge(codeVerifier)
  const proof = { state, nonce, code_challenge: challenge, code_challenge_method: 'S256' }
  const { href: url } = buildAuthorizationUrl(await client.configuration(), definedOnly({ ...parameters, ...proof }))
  return { url, state, nonce, codeVerifier }
}

export interface FinishInteractiveArguments extends Omit<InteractiveTransaction, 'url'> {
  /** The URL that the browser came back with. Only its query counts. */
  callback: URL
  /** As in {@link beginInteractive}. */
  redirectUri: string
  /** As requested. */
  scope: string
  /** As requested. */
  audience: string | undefined
}

/**
 * Exchanges the code of a callback. `login_transaction_missing` where the callback is not the one of this login or the
 * code is spent; otherwise the error that Auth0 sent back with the browser.
 */
export async function finishInteractive(parts: GrantParts, given: FinishInteractiveArguments): Promise<Grant> {
  const { client, config, verify } = parts
  const { state, nonce, codeVerifier, scope, audience } = given
  const configuration = await client.configuration()
  const answer = readCallback(given, configuration.serverMetadata())
  let refreshToken: string | undefined
  try {
    const response = await authorizationCodeGrant(configuration, answer, {
      expectedState: state,
      pkceCodeVerifier: codeVerifier,
      // A nonce makes openid-client insist on an ID token.
      ...(splitScope(scope).includes('openid') && { expectedNonce: nonce }),
    })
    refreshToken = response.refresh_token
    const grant = readGrant(response, { config, requested: { audience, scope } })
    if (grant.idToken !== undefined) await verify(grant.idToken)
    return grant
  } catch (err) {
    // Issued, but not trusted, so it must not stay valid.
    if (refreshToken !== undefined) void revokeRefreshToken(client, refreshToken).catch(() => undefined)
    const conceal = [answer.searchParams.get('code') ?? undefined, codeVerifier, config.clientSecret]
    throw await toAuthError(err, { step: 'interactive', host: config.issuer.host, conceal })
  }
}

/** What a callback may carry; anything else in its query is not Auth0's. */
const CALLBACK_PARAMETERS = ['code', 'state', 'error', 'error_description', 'iss']

interface Issuer {
  issuer: string
  authorization_response_iss_parameter_supported?: boolean
}

/** Anyone can call the callback URL with anything, so nothing here counts as a configuration error. */
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
  /** Claim of the ID token of the login. */
  sid?: string | undefined
  idTokenHint?: string | undefined
  /** An Allowed Logout URL. */
  returnTo: string
  /** Also log out of the identity provider that Auth0 used. */
  federated?: boolean | undefined
}

/** Where a browser goes to end its session at Auth0. Without `sid` and ID token, Auth0 may ask the user first. */
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
