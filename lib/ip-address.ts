import { isIP } from 'node:net'

/** An address as Auth0 and limits take it: without port, brackets and zone, and IPv4 where IPv6 only wraps it. */
export function plainAddress(written: string): string | undefined {
  const bare = written
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^([\d.]+):\d+$/, '$1')
    .replace(/%.*$/, '')
  const unwrapped = unwrap(bare)
  return isIP(unwrapped) ? unwrapped : undefined
}

/** `::ffff:203.0.113.7`, and the same in hex: `::ffff:cb00:7107`. */
function unwrap(address: string): string {
  const dotted = address.replace(/^::ffff:(?=\d+\.)/i, '')
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address) ?? []
  if (high === undefined || low === undefined) return dotted
  const bytes = [high, low].map((half) => parseInt(half, 16)).flatMap((half) => [half >> 8, half & 255])
  return bytes.join('.')
}
