import { serialize, type CookieSerializeOptions } from 'cookie'
import { sign } from 'cookie-signature'
import { randomBytes, type KeyObject } from 'node:crypto'
import type { Config } from '../options/options.js'
import { createReadCookies } from '../session/cookie.js'

/** Purpose of a cookie between two steps of a login. */
export type Purpose = 'mfa' | 'interactive'

export interface PendingCookieParts {
  cookie: Config['session']['cookie']
  keys: readonly KeyObject[]
  closed: () => Error | undefined
}

/** Long enough not to be guessed within the minutes for which it is valid. */
const ID_BYTES = 32

/** Names a browser between two steps of a login. Separate from the session cookie, which only a login sets. */
export function createPendingCookie({ cookie, keys, closed }: PendingCookieParts, purpose: Purpose) {
  const { path, domain, sameSite, secure } = cookie
  const name = `${cookie.name}.${purpose}`
  const [key] = keys
  if (!key) throw new TypeError('a cookie needs a secret')
  const attributes = (isSecure: boolean): CookieSerializeOptions => ({
    path,
    httpOnly: true,
    // Auth0 sends the browser back from its own site.
    sameSite: sameSite === 'strict' && purpose === 'interactive' ? 'lax' : sameSite,
    secure: secure === 'auto' ? isSecure : secure,
    ...(domain !== undefined && { domain }),
  })
  return {
    /** Ids of the genuine cookies in a request. */
    read: createReadCookies(name, keys, closed),
    newId: () => randomBytes(ID_BYTES).toString('base64url'),
    /** Values of `Set-Cookie`. The server limits their lifetime, so they are session cookies. */
    set: (id: string, isSecure: boolean) => serialize(name, `s:${sign(id, key)}`, attributes(isSecure)),
    clear: (isSecure: boolean) => serialize(name, '', { ...attributes(isSecure), expires: new Date(0) }),
  }
}

export type PendingCookie = ReturnType<typeof createPendingCookie>
