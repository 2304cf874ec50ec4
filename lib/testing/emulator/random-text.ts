import { randomBytes } from 'node:crypto'

/** The alphabet's length must divide 256, or some characters would be more likely than others. */
export function randomText(length: number, alphabet: string): string {
  return [...randomBytes(length)].map((byte) => alphabet.charAt(byte % alphabet.length)).join('')
}
