import { compactVerify } from 'jose'
import type { Config } from '../options/options.js'
import type { Auth0Client } from './client.js'
import { createTenantKeys } from './tenant-keys.js'

/**
 * Verifies the signature of an ID token whose claims openid-client has checked. Separate from the grant, so that issued
 * tokens can be revoked if Auth0's keys cannot be fetched. Rejects with jose's error.
 */
export type VerifySignature = (idToken: string) => Promise<void>

/** Pass `keys` to share them with other verifiers. */
export function createVerifySignature(
  client: Auth0Client,
  config: Config,
  keys = createTenantKeys(client, config),
): VerifySignature {
  const algorithms = [config.idTokenSigningAlg]
  return async (idToken) => {
    await compactVerify(idToken, await keys(), { algorithms })
  }
}
