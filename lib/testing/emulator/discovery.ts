import { GRANT_TYPES } from './grant-types.js'
import type { Middleware } from './middleware.js'
import type { EmulatorTenant } from './types.js'

export const DISCOVERY_PATH = '/.well-known/openid-configuration'
export const JWKS_PATH = '/.well-known/jwks.json'

/** Members that oidc-provider publishes and Auth0 does not. */
const UNSAID = ['authorization_response_iss_parameter_supported', 'claim_types_supported']

const SAID_OTHERWISE = {
  scopes_supported: [
    ...['openid', 'profile', 'offline_access', 'name', 'given_name', 'family_name', 'nickname', 'email'],
    ...['email_verified', 'picture', 'created_at', 'identities', 'phone', 'address'],
  ],
  claims_supported: [
    ...['aud', 'auth_time', 'created_at', 'email', 'email_verified', 'exp', 'family_name', 'given_name', 'iat'],
    ...['identities', 'iss', 'name', 'nickname', 'phone_number', 'picture', 'sub'],
  ],
  response_types_supported: [
    ...['code', 'token', 'id_token', 'code token', 'code id_token', 'token id_token', 'code token id_token'],
  ],
  response_modes_supported: ['query', 'fragment', 'form_post'],
  code_challenge_methods_supported: ['S256', 'plain'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['HS256', 'RS256', 'PS256'],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: ['RS256', 'RS384', 'PS256'],
  grant_types_supported: Object.values(GRANT_TYPES),
  claims_parameter_supported: false,
  request_parameter_supported: false,
  request_uri_parameter_supported: false,
}

/** Converts oidc-provider's metadata to Auth0's. */
export function speakLikeAuth0(issuer: string, tenant: EmulatorTenant): Middleware {
  return async (ctx, next) => {
    await next()
    if (ctx.path === JWKS_PATH) ctx.type = 'application/json; charset=utf-8'
    if (ctx.path !== DISCOVERY_PATH || ctx.status !== 200) return
    const said = Object.entries<unknown>({
      ...(ctx.body as object),
      ...SAID_OTHERWISE,
      ...ownEndpoints(issuer),
      ...logoutMembers(tenant),
    })
    ctx.body = Object.fromEntries(said.filter(([name, value]) => !UNSAID.includes(name) && value !== undefined))
  }
}

/** Undefined removes a member. */
function logoutMembers({ rpLogout, backchannelLogoutUrl }: EmulatorTenant): Record<string, unknown> {
  return {
    ...(!rpLogout && { end_session_endpoint: undefined }),
    ...(backchannelLogoutUrl !== undefined && {
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    }),
  }
}

function ownEndpoints(issuer: string): Record<string, string> {
  return {
    mfa_challenge_endpoint: `${issuer}mfa/challenge`,
    registration_endpoint: `${issuer}oidc/register`,
    device_authorization_endpoint: `${issuer}oauth/device/code`,
  }
}
