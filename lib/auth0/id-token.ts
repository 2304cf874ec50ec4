import { compactVerify, createRemoteJWKSet, customFetch } from 'jose'
import { ApiError } from '../errors.js'
import type { Config } from '../options/options.js'
import type { Auth0Client } from './client.js'

/**
 * Checks the signature of an ID token; openid-client has already checked its claims. Separate from the grant, so that
 * issued tokens are not lost when Auth0's keys cannot be fetched. Rejects with jose's error.
 */
export type VerifySignature = (idToken: string) => Promise<void>

/** Milliseconds for which the tenant's keys are kept. A token signed with an unknown key fetches them earlier. */
const KEYS_MAX_AGE = 600_000

export function createVerifySignature(client: Auth0Client, config: Config): VerifySignature {
  const algorithms = [config.idTokenSigningAlg]
  if (config.idTokenSigningAlg === 'HS256') {
    const key = new TextEncoder().encode(config.clientSecret)
    return async (idToken) => {
      await compactVerify(idToken, key, { algorithms })
    }
  }
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined
  return async (idToken) => {
    const configuration = await client.configuration()
    keys ??= remoteKeys(client, configuration.serverMetadata().jwks_uri)
    await compactVerify(idToken, keys, { algorithms })
  }
}

function remoteKeys(client: Auth0Client, uri: string | undefined) {
  if (uri === undefined) throw new ApiError({ detail: 'the discovery document of the tenant has no jwks_uri' })
  return createRemoteJWKSet(new URL(uri), { cacheMaxAge: KEYS_MAX_AGE, [customFetch]: client.fetch })
}
