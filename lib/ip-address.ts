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

/** Prefixes of IPv4 in IPv6: mapped (RFC 4291, 2.5.5.2) and NAT64 (RFC 6052, 2.1). */
const WRAPPED = '(?:::ffff:|64:ff9b::)'
const DOTTED = new RegExp(`^${WRAPPED}(?=\\d+\\.)`, 'i')
const HEX = new RegExp(`^${WRAPPED}([0-9a-f]{1,4}):([0-9a-f]{1,4})$`, 'i')

/** `::ffff:203.0.113.7`, and the same in hex: `::ffff:cb00:7107`. */
function unwrap(address: string): string {
  const dotted = address.replace(DOTTED, '')
  const [, high, low] = HEX.exec(address) ?? []
  if (high === undefined || low === undefined) return dotted
  const bytes = [high, low].map((half) => parseInt(half, 16)).flatMap((half) => [half >> 8, half & 255])
  return bytes.join('.')
}
