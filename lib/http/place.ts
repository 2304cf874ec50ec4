import type { ServerResponse } from 'node:http'
import type { Request } from 'express'
import { AuthError } from '../errors.js'
import type { Hint } from '../events.js'
import type { Config } from '../options/options.js'
import type { Established, Place } from '../session/establish.js'
import { isSecure } from './client-address.js'
import { checkProxy } from './check-proxy.js'

/** Where a login happens. Throws `https_required` if the browser would reject the cookie. */
export function placeOf(req: Request, { session }: Config, hint: Hint): Place {
  const secure = isSecure(req)
  if (session.cookie.secure === true && !secure) {
    hint('cookie', COOKIE_LOST, { option: 'session.cookie.secure' })
    throw new AuthError('https_required')
  }
  checkProxy(req, hint)
  return { req, isSecure: secure }
}

const COOKIE_LOST =
  'a login was refused because the session cookie is Secure and the request came over plain HTTP: behind a proxy that ' +
  "terminates TLS, call app.set('trust proxy', 1); without one, use HTTPS or set session.cookie.secure to 'auto'"

/** Sends the cookie of a new session, unless express-session sends it (`auth.session`) or it is too late. */
export function setCookie(res: ServerResponse, { cookie }: Established): void {
  if (cookie !== undefined && !res.headersSent) res.appendHeader('Set-Cookie', cookie)
}
