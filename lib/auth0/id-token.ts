import { compactVerify } from 'jose'
import type { Config } from '../options/options.js'
import type { Auth0Client } from './client.js'
import { createTenantKeys } from './tenant-keys.js'

/**
 * Checks the signature of an ID token; openid-client has already checked its claims. Separate from the grant, so that
 * issued tokens are not lost when Auth0's keys cannot be fetched. Rejects with jose's error.
 */
export type VerifySignature = (idToken: string) => Promise<void>

/** Pass `keys` where other tokens of the tenant are verified, too, so that its keys are fetched once. */
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
