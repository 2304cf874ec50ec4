import { createHmac } from 'node:crypto'
import { randomText } from './random-text.js'

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const PERIOD_MS = 30_000

/** Number of the 30-second period. */
export function totpPeriod(epochMs: number): number {
  return Math.floor(epochMs / PERIOD_MS)
}

/** RFC 6238 with SHA-1 and six digits, the defaults of authenticator apps. */
export function totpCode(secret: string, period: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(period))
  const digest = createHmac('sha1', fromBase32(secret)).update(counter).digest()
  const offset = digest.readUInt8(digest.length - 1) & 0xf
  const number = digest.readUInt32BE(offset) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}

export function newTotpSecret(): string {
  return randomText(32, BASE32)
}

function fromBase32(text: string): Buffer {
  const bits = Array.from(text, (letter) => BASE32.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)))
}
