import { parse } from 'cookie'
import { unsign } from 'cookie-signature'
import type { IncomingMessage } from 'node:http'

/** The session id that a request's cookie carries; undefined without a genuine one. */
export type ReadSessionId = (req: IncomingMessage) => string | undefined

/** What express-session signs begins so. */
const SIGNED = 's:'

/** Of sessions that come again and again; a signature costs as much as the rest of the cookie ten times over. */
const MOST_VERIFIED = 10_000

/** Reads the cookie as express-session does (cookie and cookie-signature are what it uses), of any of the secrets. */
export function createReadSessionId(name: string, secrets: readonly string[]): ReadSessionId {
  /** Signed value -> id; genuine ones only. */
  const verified = new Map<string, string>()

  const verify = (signed: string): string | undefined => {
    const id = secrets.map((secret) => unsign(signed, secret)).find((found) => found !== false)
    if (id === undefined) return undefined
    if (verified.size >= MOST_VERIFIED) verified.clear()
    verified.set(signed, id)
    return id
  }
  return ({ headers }) => {
    if (headers.cookie === undefined) return undefined
    const value = parse(headers.cookie)[name]
    if (!value?.startsWith(SIGNED)) return undefined
    const signed = value.slice(SIGNED.length)
    return verified.get(signed) ?? verify(signed)
  }
}
