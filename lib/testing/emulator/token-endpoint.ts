import { isIP } from 'node:net'
import type { Answer } from './answer.js'
import { textParam } from './body.js'
import { codeGrant } from './code-grant.js'
import type { Call, Endpoint } from './endpoints.js'
import { GRANT_TYPES } from './grant-types.js'
import { mfaOobGrant, mfaOtpGrant, mfaRecoveryCodeGrant } from './mfa-grants.js'
import { passwordGrant, passwordRealmGrant } from './password-grants.js'
import { refreshGrant } from './refresh-grant.js'
import { missingParameter, Refusal, refusal, refusalSaying } from './refusal.js'
import type { World } from './world.js'

export type GrantExchange = (world: World, call: Call) => Promise<Record<string, unknown>>

const GRANTS: ReadonlyMap<string, GrantExchange> = new Map<string, GrantExchange>([
  [GRANT_TYPES.authorizationCode, codeGrant],
  [GRANT_TYPES.password, passwordGrant],
  [GRANT_TYPES.passwordRealm, passwordRealmGrant],
  [GRANT_TYPES.refreshToken, refreshGrant],
  [GRANT_TYPES.mfaOtp, mfaOtpGrant],
  [GRANT_TYPES.mfaOob, mfaOobGrant],
  [GRANT_TYPES.mfaRecoveryCode, mfaRecoveryCodeGrant],
])

/** `POST /oauth/token`: authenticates the client, checks its grants, then runs the grant's own checks. */
export function tokenEndpoint(world: World): Endpoint {
  return {
    methods: ['POST'],
    async answer(call): Promise<Answer> {
      if (!(await world.client.isAuthentic(call))) throw refusal('unauthorized')
      takeForwardedAddress(world, call)
      const body = await grantFor(world, call)(world, call)
      return { status: 200, body }
    },
  }
}

/** The header counts only for authenticated clients. Invalid addresses are silently ignored. */
function takeForwardedAddress({ tenant }: World, { headers, record }: Call): void {
  const forwarded = headers['auth0-forwarded-for']
  if (tenant.trustForwardedFor && typeof forwarded === 'string' && isIP(forwarded) !== 0) record.clientIp = forwarded
}

function grantFor({ tenant }: World, { params }: Call): GrantExchange {
  const grantType = textParam(params, 'grant_type')
  if (grantType === undefined) throw missingParameter('grant_type')
  const grant = GRANTS.get(grantType)
  if (!grant) throw refusalSaying(400, 'unsupported_grant_type', `Unsupported grant type: ${grantType}`)
  if (!tenant.grantTypes.includes(grantType)) throw grantNotAllowed(grantType)
  return grant
}

function grantNotAllowed(grantType: string): Refusal {
  return new Refusal(403, {
    error: 'unauthorized_client',
    error_description: `Grant type '${grantType}' not allowed for the client.`,
    error_uri: 'https://auth0.com/docs/clients/client-grant-types',
  })
}
