import { randomUUID } from 'node:crypto'
import { createLocalJWKSet, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import type { CryptoKey, JWK, JWTHeaderParameters, JWTPayload } from 'jose'
import type { LogoutTokenChanges } from './browser-types.js'
import { epochSeconds } from './clock.js'
import type { MinterParts } from './token-minter.js'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const LIFETIME = 120
const DELIVERY_MS = 5000

export type SigningParts = MinterParts & { clientSecret: string }

/** A logout token as sent by Auth0, with the requested changes. */
export function mintLogoutToken(parts: SigningParts, changes: LogoutTokenChanges): Promise<string> {
  const { header: headerChanges, key = 'tenant', ...claimChanges } = changes
  const { issuer: iss, clientId: aud } = parts
  const iat = epochSeconds(parts.clock)
  const usual = { iss, aud, iat, exp: iat + LIFETIME, jti: randomUUID(), events: { [EVENT]: {} } }
  const claims = { ...usual, trace_id: randomUUID(), ...claimChanges }
  const isShared = parts.idTokenSecret !== undefined
  const usualHeader = isShared ? { alg: 'HS256', typ: 'JWT' } : { alg: parts.keys.alg, typ: 'JWT', kid: parts.keys.kid }
  return sign({ ...usualHeader, ...headerChanges }, claims, { parts, key })
}

interface Signer {
  parts: SigningParts
  key: 'tenant' | 'foreign'
}

async function sign(header: Record<string, unknown>, claims: object, { parts, key }: Signer): Promise<string> {
  const alg = String(header.alg)
  if (alg === 'none') return `${encoded(header)}.${encoded(claims)}.`
  const token = new SignJWT(claims as JWTPayload).setProtectedHeader(header as JWTHeaderParameters)
  if (alg.startsWith('HS'))
    return token.sign(new TextEncoder().encode(key === 'foreign' ? 'x'.repeat(64) : parts.clientSecret))
  return token.sign(key === 'foreign' ? await foreignKey(alg) : parts.keys.privateKey)
}

async function foreignKey(alg: string): Promise<CryptoKey> {
  return (await generateKeyPair(alg)).privateKey
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

/** Sends the application a logout token. Delivery failures do not affect the browser's logout. */
export async function postLogoutToken(parts: SigningParts, session: { sub: string; sid: string }): Promise<void> {
  const { backchannelLogoutUrl } = parts.tenant
  if (backchannelLogoutUrl === undefined) return
  const { sub, sid } = session
  const body = new URLSearchParams({ logout_token: await mintLogoutToken(parts, { sub, sid }) })
  const request = { method: 'POST', body, redirect: 'manual', signal: AbortSignal.timeout(DELIVERY_MS) } as const
  await fetch(backchannelLogoutUrl, request).catch(() => undefined)
}

export interface HintClaims {
  sub: string | undefined
  sid: string | undefined
}

/** Claims of this tenant's ID token, or undefined if it is not one. Expired tokens are accepted, as Auth0 does. */
export async function readIdTokenHint(parts: SigningParts, hint: string): Promise<HintClaims | undefined> {
  const expected = { issuer: parts.issuer, audience: parts.clientId, currentDate: new Date(0) }
  try {
    const { payload } = await verify(parts, hint, expected)
    return { sub: payload.sub, sid: typeof payload.sid === 'string' ? payload.sid : undefined }
  } catch {
    return undefined
  }
}

function verify({ keys, idTokenSecret }: SigningParts, token: string, expected: Parameters<typeof jwtVerify>[2]) {
  if (idTokenSecret !== undefined) return jwtVerify(token, new TextEncoder().encode(idTokenSecret), expected)
  return jwtVerify(token, createLocalJWKSet({ keys: keys.jwks.map(publicPart) }), expected)
}

function publicPart({ kty, n, e, kid, alg }: JWK): JWK {
  return { kty, n, e, kid, alg } as JWK
}
