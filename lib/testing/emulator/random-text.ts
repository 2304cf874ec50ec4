import { randomBytes } from 'node:crypto'

/** The length of the alphabet must divide 256, so that no letter is likelier than another. */
export function randomText(length: number, alphabet: string): string {
  return [...randomBytes(length)].map((byte) => alphabet.charAt(byte % alphabet.length)).join('')
}
