import type { ServerResponse } from 'node:http'
import type { Request } from 'express'
import { AuthError } from '../errors.js'
import type { Hint } from '../events.js'
import type { Config } from '../options/options.js'
import type { Established, Place } from '../session/establish.js'
import { isSecure } from './client-address.js'

/** Where a login happens. `https_required` where its cookie would be lost: the login would succeed and not last. */
export function placeOf(req: Request, { session }: Config, hint: Hint): Place {
  const secure = isSecure(req)
  if (session.cookie.secure === true && !secure) {
    hint('cookie', COOKIE_LOST, { option: 'session.cookie.secure' })
    throw new AuthError('https_required')
  }
  return { req, isSecure: secure }
}

const COOKIE_LOST =
  'the session cookie is Secure and the request is not: behind a proxy that terminates TLS, ' +
  "set app.set('trust proxy', 1)"

/** Sends the cookie of a new session; where the session is mounted, express-session does. */
export function setCookie(res: ServerResponse, { cookie }: Established): void {
  if (cookie !== undefined) res.appendHeader('Set-Cookie', cookie)
}
