import { parse } from 'cookie'
import { unsign } from 'cookie-signature'
import { createSecretKey, type KeyObject } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** A session cookie with a valid signature. */
export interface SessionCookie {
  id: string
  /** As the browser sent it. */
  raw: string
}

/** The validly signed cookies of our name in a request, one per id, in the order sent. Most requests have one at most. */
export type ReadCookies = (req: Pick<IncomingMessage, 'headers'>) => readonly SessionCookie[]

/** Created once: with raw key bytes, Node repeats checks in every call that cost more than the signature. */
export function signingKeys(secrets: readonly string[]): KeyObject[] {
  return secrets.map((secret) => createSecretKey(Buffer.from(secret)))
}

/** Prefix of signed cookies in express-session. */
const SIGNED = 's:'
/** Size of the cache of verified cookies. Checking a signature costs more than everything else. */
const MOST_VERIFIED = 10_000

/** Reads cookies with the packages that express-session uses, but returns all of our name, not only the first. */
export function createReadCookies(
  name: string,
  keys: readonly KeyObject[],
  closed: () => Error | undefined,
): ReadCookies {
  const verified = new Map<string, SessionCookie>()
  const verify = (pair: string): SessionCookie | undefined => {
    const value = parse(pair)[name]
    if (!value?.startsWith(SIGNED)) return undefined
    const signed = value.slice(SIGNED.length)
    const id = keys.map((key) => unsign(signed, key)).find((found) => found !== false)
    if (id === undefined) return undefined
    if (verified.size >= MOST_VERIFIED) verified.clear()
    verified.set(pair, { id, raw: pair.trim() })
    return verified.get(pair)
  }
  const genuine = (pair: string) => verified.get(pair) ?? verify(pair) ?? []
  return ({ headers: { cookie } }) => {
    // Everything that reads a session starts here.
    const problem = closed()
    if (problem) throw problem
    if (!cookie?.includes(name)) return []
    const named = cookie.split(';').filter((pair) => pair.trimStart().startsWith(name))
    const all = named.flatMap(genuine)
    // One per id, because each may cost a round trip.
    return all.length < 2 ? all : [...new Map(all.map((one) => [one.id, one])).values()]
  }
}
