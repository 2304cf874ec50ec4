import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import { ApiError } from '../errors.js'
import type { Config } from '../options/options.js'
import type { Auth0Client } from './client.js'

/** The keys that verify the tenant's tokens: the client secret for HS256, or else the published keys. */
export type TenantKeys = () => Promise<JWTVerifyGetKey>

/** Milliseconds for which the keys are cached. An unknown key refreshes them earlier. */
const KEYS_MAX_AGE = 600_000

export function createTenantKeys(client: Auth0Client, config: Config): TenantKeys {
  if (config.idTokenSigningAlg === 'HS256') {
    const key = new TextEncoder().encode(config.clientSecret)
    return () => Promise.resolve(() => key)
  }
  let keys: JWTVerifyGetKey | undefined
  return async () => {
    const configuration = await client.configuration()
    return (keys ??= remoteKeys(client, configuration.serverMetadata().jwks_uri))
  }
}

function remoteKeys(client: Auth0Client, uri: string | undefined): JWTVerifyGetKey {
  if (uri === undefined) throw new ApiError({ detail: 'the discovery document of the tenant has no jwks_uri' })
  return createRemoteJWKSet(new URL(uri), { cacheMaxAge: KEYS_MAX_AGE, [customFetch]: client.fetch })
}
