import { compactVerify, createRemoteJWKSet, customFetch, type CompactVerifyGetKey } from 'jose'
import type { Config } from '../options.js'
import type { Auth0Client } from './client.js'

/**
 * Checks the signature of an ID token; openid-client has checked its claims. Apart from the grant, so that tokens which
 * Auth0 has already issued are not lost when its keys cannot be had. Rejects with the error of jose.
 */
export type VerifySignature = (idToken: string) => Promise<void>

/** Milliseconds for which the tenant's keys are kept; an unknown key id fetches them anew. */
const KEYS_MAX_AGE = 600_000

export function createVerifySignature(client: Auth0Client, config: Config): VerifySignature {
  const algorithms = [config.idTokenSigningAlg]
  let keys: Promise<CompactVerifyGetKey> | undefined

  return async (idToken) => {
    if (config.idTokenSigningAlg === 'HS256') {
      await compactVerify(idToken, new TextEncoder().encode(config.clientSecret), { algorithms })
      return
    }
    keys ??= remoteKeys(client, config).catch((err: unknown) => {
      keys = undefined
      throw err
    })
    await compactVerify(idToken, await keys, { algorithms })
  }
}

async function remoteKeys(client: Auth0Client, { timeouts }: Config): Promise<CompactVerifyGetKey> {
  const { jwks_uri: uri } = (await client.configuration()).serverMetadata()
  if (uri === undefined) throw new TypeError('the discovery document names no jwks_uri')
  return createRemoteJWKSet(new URL(uri), {
    timeoutDuration: timeouts.auth0,
    cacheMaxAge: KEYS_MAX_AGE,
    [customFetch]: (url, init) => client.fetch(url, init),
  })
}
