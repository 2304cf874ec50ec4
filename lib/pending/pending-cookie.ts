import { serialize, type CookieSerializeOptions } from 'cookie'
import { sign } from 'cookie-signature'
import { randomBytes, type KeyObject } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Config } from '../options/options.js'
import { createReadCookies } from '../session/cookie.js'

export type Purpose = 'mfa' | 'interactive'

export interface PendingCookieParts {
  cookie: Config['session']['cookie']
  keys: readonly KeyObject[]
  closed: () => Error | undefined
}

const ID_BYTES = 32

/** Cookie that identifies a browser between two steps of a login. Only a completed login sets the session cookie. */
export function createPendingCookie({ cookie, keys, closed }: PendingCookieParts, purpose: Purpose) {
  const { path, domain, sameSite, secure } = cookie
  const name = `${cookie.name}.${purpose}`
  const [key] = keys
  if (!key) throw new TypeError('a cookie needs a secret')
  const attributes = (isSecure: boolean): CookieSerializeOptions => ({
    path,
    httpOnly: true,
    // A strict cookie would be missing when Auth0 redirects back from its own site.
    sameSite: sameSite === 'strict' && purpose === 'interactive' ? 'lax' : sameSite,
    secure: secure === 'auto' ? isSecure : secure,
    ...(domain !== undefined && { domain }),
  })
  return {
    /** Ids from the correctly signed cookies of a request. */
    read: createReadCookies(name, keys, closed),
    /** Whether a request may have such a cookie. Does not check its signature. */
    isSent: ({ headers }: IncomingMessage) => headers.cookie?.includes(`${name}=`) ?? false,
    newId: () => randomBytes(ID_BYTES).toString('base64url'),
    /** `Set-Cookie` of a session cookie. Its lifetime is limited on the server. */
    set: (id: string, isSecure: boolean) => serialize(name, `s:${sign(id, key)}`, attributes(isSecure)),
    clear: (isSecure: boolean) => serialize(name, '', { ...attributes(isSecure), expires: new Date(0) }),
  }
}

export type PendingCookie = ReturnType<typeof createPendingCookie>
