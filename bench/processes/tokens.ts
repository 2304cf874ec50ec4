import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** Users whose tokens are signed in advance. */
export const USERS = 200
export const PASSWORD = 'correct horse battery staple'
/** Seconds. Longer than any run. */
export const EXPIRES_IN = 86_400

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const KEY_ID = 'bench-key-of-the-tenant'

export const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, use: 'sig', alg: 'RS256' }] }

export interface TokenResponse {
  access_token: string
  id_token: string
  refresh_token: string
  token_type: 'Bearer'
  expires_in: number
  scope: string
}

export const emailOf = (user: number) => `user${user}@example.com`
export function userOf(email: string): number | undefined {
  const [, digits] = /^user(\d+)@example\.com$/.exec(email) ?? []
  return digits === undefined ? undefined : Number(digits)
}
export const subOf = (user: number) => `auth0|${createHash('sha1').update(emailOf(user)).digest('hex').slice(0, 24)}`

/** A token response with Auth0's typical sizes: about 1.2 KB, 1.1 KB, and 64 bytes. */
export function issueTokens(issuer: string, user: number, nonce?: string): TokenResponse {
  return {
    access_token: signed(accessClaims(issuer, user)),
    id_token: signed({ ...idClaims(issuer, user), ...(nonce !== undefined && { nonce }) }),
    refresh_token: randomBytes(48).toString('base64url'),
    token_type: 'Bearer',
    expires_in: EXPIRES_IN,
    scope: 'openid profile email offline_access',
  }
}

function signed(claims: object): string {
  const header = { alg: 'RS256', typ: 'JWT', kid: KEY_ID }
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`
}

function validity() {
  const now = Math.floor(Date.now() / 1000)
  return { iat: now, exp: now + EXPIRES_IN }
}

function idClaims(issuer: string, user: number) {
  return {
    given_name: 'Ada',
    family_name: `Lovelace-${user}`,
    nickname: `user${user}`,
    name: `Ada Lovelace-${user}`,
    picture: `https://s.gravatar.com/avatar/${createHash('md5').update(emailOf(user)).digest('hex')}?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Fal.png`,
    locale: 'en-GB',
    updated_at: '2026-01-01T12:34:56.789Z',
    email: emailOf(user),
    email_verified: true,
    'https://example.com/roles': ['customer', 'newsletter-editor'],
    iss: issuer,
    aud: 'bench-client',
    sub: subOf(user),
    ...validity(),
  }
}

function accessClaims(issuer: string, user: number) {
  const permissions = ['orders', 'invoices', 'profile', 'addresses', 'vouchers', 'wishlists', 'returns'].flatMap(
    (what) => [`read:${what}`, `write:${what}`],
  )
  return {
    iss: issuer,
    sub: subOf(user),
    aud: ['https://api.example.com/v2', `${issuer}userinfo`],
    ...validity(),
    scope: 'openid profile email offline_access',
    azp: 'bench-client',
    gty: 'password',
    permissions,
    'https://example.com/tenant': 'a-customer-of-the-shop',
  }
}
