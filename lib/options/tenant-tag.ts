import { createHash } from 'node:crypto'
import type { Config } from './options.js'

/** Part of every key and login, so that two tenants on one Redis with one secret stay apart. */
export function tenantTag({ issuer, clientId }: Pick<Config, 'issuer' | 'clientId'>): string {
  return createHash('sha256').update(`${issuer.href} ${clientId}`).digest('base64url').slice(0, 12)
}
