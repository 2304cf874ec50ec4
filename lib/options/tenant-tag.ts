import { createHash } from 'node:crypto'
import type { Config } from './options.js'

/** Part of every key and login, to separate tenants that share one Redis and one secret. */
export function tenantTag({ issuer, clientId }: Pick<Config, 'issuer' | 'clientId'>): string {
  return createHash('sha256').update(`${issuer.href} ${clientId}`).digest('base64url').slice(0, 12)
}
