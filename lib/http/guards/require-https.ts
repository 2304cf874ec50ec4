import type { Request } from 'express'
import { AuthError } from '../../errors.js'
import type { Hint } from '../../events.js'
import type { Config } from '../../options/options.js'
import type { Check } from './check.js'

/** `https_required` unless Express considers the request secure (`trust proxy` behind a proxy that terminates TLS). */
export function requireHttps({ requireHttps: required }: Pick<Config, 'requireHttps'>, hint: Hint): Check {
  return (req) => {
    if (!required || req.secure) return undefined
    hintCause(req, hint)
    return new AuthError('https_required')
  }
}

/** If a proxy says that the client used HTTP, there is nothing to change. */
function hintCause(req: Request, hint: Hint): void {
  const forwarded = req.get('x-forwarded-proto')?.split(',')[0]?.trim()
  if (forwarded === 'https') hint('https', BEHIND_PROXY)
  if (forwarded === undefined) hint('plain http', PLAIN)
}

const PLAIN =
  'a request was refused because it came over plain HTTP: use HTTPS, let a proxy that terminates TLS send ' +
  "X-Forwarded-Proto and call app.set('trust proxy', 1), or set requireHttps: false to try a production build on localhost"

const BEHIND_PROXY =
  'a request was refused as plain HTTP although it carries X-Forwarded-Proto: https: a proxy in front of this app ' +
  "terminates TLS, so call app.set('trust proxy', 1) (the number of proxies)"
