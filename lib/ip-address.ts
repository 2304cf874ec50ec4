import { isIP, isIPv4, isIPv6 } from 'node:net'

/** Normalizes an address: removes port, brackets, and zone, and unwraps IPv4 from IPv6. */
export function plainAddress(written: string): string | undefined {
  if (isIPv4(written)) return written
  const bare = written
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^([\d.]+):\d+$/, '$1')
    .replace(/%.*$/, '')
  const unwrapped = unwrap(bare)
  return isIP(unwrapped) ? unwrapped : undefined
}

/** IPv4 in IPv6, mapped (RFC 4291, 2.5.5.2) and NAT64 (RFC 6052, 2.1), as URLs write it. */
const WRAPPED = /^\[(?:::ffff|64:ff9b:):([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/

/** Accepts all notations of `::ffff:203.0.113.7`. */
function unwrap(address: string): string {
  if (!isIPv6(address)) return address
  const [, high, low] = WRAPPED.exec(new URL(`http://[${address}]`).hostname) ?? []
  if (high === undefined || low === undefined) return address
  const bytes = [high, low].map((half) => parseInt(half, 16)).flatMap((half) => [half >> 8, half & 255])
  return bytes.join('.')
}
