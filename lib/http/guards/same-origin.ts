import type { Request, RequestHandler } from 'express'
import { AuthError } from '../../errors.js'
import type { SendError } from '../send-error.js'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/**
 * Keeps other sites from calling state-changing routes with the user's cookie, or from logging the user in to an account
 * of theirs: by Fetch Metadata (`Sec-Fetch-Site`), else by `Origin`. Clients that send neither are no browsers.
 */
export function sameOrigin(allowedOrigins: readonly string[], sendError: SendError): RequestHandler {
  return (req, res, next) => {
    if (SAFE_METHODS.includes(req.method) || isAllowed(req, allowedOrigins)) next()
    else sendError(new AuthError('cross_site_request'), { req, res, next })
  }
}

function isAllowed(req: Request, allowedOrigins: readonly string[]): boolean {
  const origin = req.get('origin')
  if (origin !== undefined && allowedOrigins.includes(origin)) return true
  const site = req.get('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  if (origin === undefined) return true
  // What plain HTTP delivers anybody on the way may have written.
  if (req.secure && !origin.startsWith('https:')) return false
  const host = hostOf(origin)
  return host !== undefined && hostsOf(req).includes(host)
}

/** Hosts only: behind a proxy that ends TLS, a request that looks like HTTP need not be one. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

function hostsOf(req: Request): (string | undefined)[] {
  const trusts = req.app.get('trust proxy fn') as (address: string | undefined, hop: number) => boolean
  const forwarded = trusts(req.socket.remoteAddress, 0) ? req.get('x-forwarded-host')?.split(',')[0]?.trim() : undefined
  return [forwarded, req.get('host')]
    .filter((host) => host !== undefined)
    .map((host) => hostOf(`${req.protocol}://${host}`))
}
