import { isIP } from 'node:net'
import type { Request } from 'express'

/**
 * The end user's address as Express resolves it (`trust proxy`), never a raw header: without port and zone, and IPv4
 * where IPv6 only wraps it. Undefined where there is none.
 */
export function clientAddress({ ip }: Pick<Request, 'ip'>): string | undefined {
  const bare = (ip ?? '')
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^([\d.]+):\d+$/, '$1')
    .replace(/%.*$/, '')
  const unwrapped = bare.replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(unwrapped) ? unwrapped : undefined
}
