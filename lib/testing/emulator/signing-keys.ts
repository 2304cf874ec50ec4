import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { CryptoKey, JWK, JWTPayload } from 'jose'

const KID_LENGTH = 21

export type RsaAlgorithm = 'RS256' | 'PS256'

interface RsaKey {
  kid: string
  jwk: JWK
}

/** Two RSA keys, generated once per process because each takes some hundred milliseconds. */
let made: Promise<[RsaKey, RsaKey]> | undefined

/** The tenant's keys. One of them signs. */
export class SigningKeys {
  readonly alg: RsaAlgorithm
  readonly #keys: [RsaKey, RsaKey]

  static async create(alg: RsaAlgorithm): Promise<SigningKeys> {
    made ??= Promise.all([makeKey(), makeKey()])
    return new SigningKeys(alg, await made)
  }

  constructor(alg: RsaAlgorithm, [current, next]: [RsaKey, RsaKey]) {
    this.alg = alg
    this.#keys = [current, next]
  }

  /** Includes the private keys, for oidc-provider. */
  get jwks(): JWK[] {
    return this.#keys.map(({ jwk, kid }) => ({ ...jwk, kid, alg: this.alg, use: 'sig' }))
  }

  get privateKey(): JWK {
    return this.#keys[0].jwk
  }

  get kid(): string {
    return this.#keys[0].kid
  }

  rotate(): void {
    this.#keys.reverse()
  }

  sign(claims: JWTPayload): Promise<string> {
    const [{ jwk, kid }] = this.#keys
    return new SignJWT(claims).setProtectedHeader({ alg: this.alg, typ: 'JWT', kid }).sign(jwk)
  }
}

export function signWithSecret(claims: JWTPayload, secret: string): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(new TextEncoder().encode(secret))
}

async function makeKey(): Promise<RsaKey> {
  const { privateKey }: { privateKey: CryptoKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { jwk, kid: (await calculateJwkThumbprint(jwk)).slice(0, KID_LENGTH) }
}
