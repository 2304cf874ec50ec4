import { parse } from 'cookie'
import { unsign } from 'cookie-signature'
import type { IncomingMessage } from 'node:http'

/** The session id that a request's cookie carries; undefined without a genuine one. */
export type ReadSessionId = (req: IncomingMessage) => string | undefined

/** What express-session signs begins so. */
const SIGNED = 's:'

/** Reads the cookie as express-session does (cookie and cookie-signature are what it uses), of any of the secrets. */
export function createReadSessionId(name: string, secrets: readonly string[]): ReadSessionId {
  return ({ headers }) => {
    if (headers.cookie === undefined) return undefined
    const value = parse(headers.cookie)[name]
    if (!value?.startsWith(SIGNED)) return undefined
    const signed = value.slice(SIGNED.length)
    for (const secret of secrets) {
      const id = unsign(signed, secret)
      if (id !== false) return id
    }
    return undefined
  }
}
