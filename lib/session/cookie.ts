import { parse } from 'cookie'
import { unsign } from 'cookie-signature'
import { createSecretKey, type KeyObject } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** A genuine session cookie. */
export interface SessionCookie {
  /** Session id. */
  id: string
  /** As the browser sent it. */
  raw: string
}

/** The genuine cookies of our name in a request, in the order in which they came. Most requests have one at most. */
export type ReadCookies = (req: Pick<IncomingMessage, 'headers'>) => readonly SessionCookie[]

/** Made once: Node checks raw key bytes anew at each call, which costs more than the signature. */
export function signingKeys(secrets: readonly string[]): KeyObject[] {
  return secrets.map((secret) => createSecretKey(Buffer.from(secret)))
}

/** Prefix of cookies that express-session has signed. */
const SIGNED = 's:'
const NONE: readonly SessionCookie[] = []
/** Cache of verified cookies. A signature costs more than the rest of the cookie. */
const MOST_VERIFIED = 10_000

/** Reads cookies as express-session does (with the packages that it uses), but all of our name, and of any secret. */
export function createReadCookies(
  name: string,
  keys: readonly KeyObject[],
  closed: () => Error | undefined,
): ReadCookies {
  /** Genuine ones only. */
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
    // Everything that reads a session begins here.
    const problem = closed()
    if (problem) throw problem
    if (!cookie?.includes(name)) return NONE
    const named = cookie.split(';').filter((pair) => pair.trimStart().startsWith(name))
    const cookies = named.length > 1 ? [...new Set(named)].flatMap(genuine) : named.flatMap(genuine)
    return cookies
  }
}
