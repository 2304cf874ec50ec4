import { jwtVerify, type JWTPayload } from 'jose'
import { AuthError } from '../errors.js'
import type { Config } from '../options/options.js'
import type { Auth0Client } from './client.js'
import { toAuthError } from './oauth-error.js'
import { createTenantKeys } from './tenant-keys.js'

/** Claims of a logout token, which names a user, a session, or both. */
export interface LogoutToken {
  sub?: string
  sid?: string
  /** Unique id of the token. */
  jti: string
  /** Epoch seconds. */
  expiresAt: number
  /** Epoch seconds. */
  issuedAt: number
}

/** Rejects with `invalid_request`, or with `auth_unavailable` if the tenant's keys cannot be fetched. */
export type VerifyLogoutToken = (token: unknown) => Promise<LogoutToken>

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** Auth0 sends `JWT`. The specification recommends `logout+jwt`. */
const TYPES = ['jwt', 'logout+jwt']
/** Seconds since the token was issued. Auth0 sends logout tokens immediately. */
const MAX_AGE = 300
/** Seconds by which the clocks of Auth0 and this machine may differ. */
const CLOCK_TOLERANCE = 30
/** Characters. A logout token has a dozen short claims. */
const MAX_LENGTH = 16_384

/** Verifies logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.6). */
export function createVerifyLogoutToken(
  client: Auth0Client,
  config: Config,
  keys = createTenantKeys(client, config),
): VerifyLogoutToken {
  return async (token) => {
    if (typeof token !== 'string' || token === '') throw invalidToken('it is missing')
    if (token.length > MAX_LENGTH) throw invalidToken('it is too long')
    const { issuer } = (await client.configuration()).serverMetadata()
    const key = await keys()
    try {
      const { payload, protectedHeader } = await jwtVerify(token, key, checksOf(config, issuer))
      if (!TYPES.includes(String(protectedHeader.typ).toLowerCase())) throw invalidToken('typ')
      return readClaims(payload)
    } catch (err) {
      throw isDefect(err)
        ? invalidToken(defectOf(err))
        : await toAuthError(err, { step: 'logout', host: config.issuer.host })
    }
  }
}

function checksOf({ clientId, idTokenSigningAlg, clock }: Config, issuer: string) {
  return {
    algorithms: [idTokenSigningAlg],
    issuer,
    audience: clientId,
    requiredClaims: ['iat', 'exp', 'jti', 'events'],
    maxTokenAge: MAX_AGE,
    clockTolerance: CLOCK_TOLERANCE,
    currentDate: new Date(clock()),
  }
}

function readClaims(payload: JWTPayload): LogoutToken {
  const { sub, sid, jti, exp, iat, events } = payload
  if ('nonce' in payload) throw invalidToken('nonce')
  if (!isObject(events) || !Object.hasOwn(events, EVENT) || !isObject(Reflect.get(events, EVENT)))
    throw invalidToken('events')
  const named = { ...optionalName('sub', sub), ...optionalName('sid', sid) }
  if (sub === undefined && sid === undefined) throw invalidToken('neither sub nor sid')
  // jose checks that both times are numbers.
  return { ...named, jti: nameIn('jti', jti), expiresAt: Number(exp), issuedAt: Number(iat) }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function optionalName(claim: 'sub' | 'sid', value: unknown): { sub?: string; sid?: string } {
  return value === undefined ? {} : { [claim]: nameIn(claim, value) }
}

function nameIn(claim: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw invalidToken(claim)
  return value
}

/** Codes of jose for an invalid token. Other errors mean that the keys could not be fetched. */
const DEFECT = /^ERR_(JWT_|JWS_|JOSE_ALG_NOT_ALLOWED|JOSE_NOT_SUPPORTED|JWKS_NO_MATCHING_KEY|JWKS_MULTIPLE)/

interface Defect {
  code: string
  claim?: unknown
}

function isDefect(err: unknown): err is Defect {
  const { code } = Object(err) as { code?: unknown }
  return typeof code === 'string' && DEFECT.test(code)
}

/** Contains codes and claim names but no values, because the sender chose them. */
function defectOf({ code, claim }: Defect): string {
  return typeof claim === 'string' && claim !== 'unspecified' ? `${claim} (${code})` : code
}

/** For every defect the same response; only the log tells which. */
export function invalidToken(defect: string): AuthError {
  return new AuthError('invalid_request', {
    detail: `the logout token is not valid: ${defect}`,
    body: { fields: { logout_token: 'is not valid' } },
  })
}
