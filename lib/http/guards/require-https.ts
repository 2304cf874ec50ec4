import type { Request } from 'express'
import { AuthError } from '../../errors.js'
import type { Hint } from '../../events.js'
import type { Config } from '../../options/options.js'
import type { Check } from './check.js'

/** `https_required` unless Express considers the request secure (`trust proxy` behind a proxy that terminates TLS). */
export function requireHttps({ requireHttps: required }: Pick<Config, 'requireHttps'>, hint: Hint): Check {
  return (req) => {
    if (!required || req.secure) return undefined
    hintProxy(req, hint)
    return new AuthError('https_required')
  }
}

function hintProxy(req: Request, hint: Hint): void {
  if (req.get('x-forwarded-proto')?.split(',')[0]?.trim() === 'https') hint('https', BEHIND_PROXY)
}

const BEHIND_PROXY =
  'a request was refused as plain HTTP although it carries X-Forwarded-Proto: https: a proxy in front of this app ' +
  "terminates TLS, so call app.set('trust proxy', 1) (the number of proxies)"
