import { KeyObject, verify, constants } from 'node:crypto'
import { compactVerify, createRemoteJWKSet, customFetch, decodeProtectedHeader, errors } from 'jose'
import type { CryptoKey, FlattenedJWSInput, JWSHeaderParameters } from 'jose'
import type { Config } from '../options/options.js'
import type { Auth0Client } from './client.js'

/**
 * Checks the signature of an ID token; openid-client has checked its claims. Apart from the grant, so that tokens which
 * Auth0 has already issued are not lost when its keys cannot be had. Rejects with the error of jose.
 */
export type VerifySignature = (idToken: string) => Promise<void>

/** Milliseconds for which the tenant's keys are kept; an unknown key id fetches them anew. */
const KEYS_MAX_AGE = 600_000

export function createVerifySignature(client: Auth0Client, config: Config): VerifySignature {
  const alg = config.idTokenSigningAlg
  if (alg === 'HS256') {
    const key = new TextEncoder().encode(config.clientSecret)
    return async (idToken) => {
      await compactVerify(idToken, key, { algorithms: [alg] })
    }
  }
  let keys: Promise<FindKey> | undefined
  return async (idToken) => {
    keys ??= remoteKeys(client, config).catch((err: unknown) => {
      keys = undefined
      throw err
    })
    const header = decodeProtectedHeader(idToken)
    if (header.alg !== alg) throw new errors.JOSEAlgNotAllowed(`the ID token is signed with ${String(header.alg)}`)
    const [signed, signature] = cutSignature(idToken)
    const key = await (await keys)(header, { payload: '', signature })
    // In this tick: jose would do it in another thread, and the way there and back costs a login a sixth of its time.
    const isGenuine = verify(
      'sha256',
      Buffer.from(signed),
      { key: KeyObject.from(key), ...PADDING[alg] },
      Buffer.from(signature, 'base64url'),
    )
    if (!isGenuine) throw new errors.JWSSignatureVerificationFailed()
  }
}

type FindKey = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>

/** RFC 7518, 3.3 and 3.5: the salt is as long as the hash. */
const PADDING = {
  RS256: { padding: constants.RSA_PKCS1_PADDING },
  PS256: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
}

function cutSignature(token: string): [signed: string, signature: string] {
  const end = token.lastIndexOf('.')
  return [token.slice(0, end), token.slice(end + 1)]
}

async function remoteKeys(client: Auth0Client, { timeouts }: Config): Promise<FindKey> {
  const { jwks_uri: uri } = (await client.configuration()).serverMetadata()
  if (uri === undefined) throw new TypeError('the discovery document names no jwks_uri')
  return createRemoteJWKSet(new URL(uri), {
    timeoutDuration: timeouts.auth0,
    cacheMaxAge: KEYS_MAX_AGE,
    [customFetch]: (url, init) => client.fetch(url, init),
  })
}
