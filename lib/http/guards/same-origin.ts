import type { Request } from 'express'
import { AuthError } from '../../errors.js'
import type { Hint } from '../../events.js'
import type { Config } from '../../options/options.js'
import { trustsProxy } from '../check-proxy.js'
import type { Check } from './check.js'

/** Maximum number of logged origins, so that hostile pages cannot flood the log. */
const MOST_ORIGINS = 10

const NOT_ALLOWED =
  'a request from another origin was refused: if that front end is yours, add its origin to the allowedOrigins option, and ' +
  'send CORS headers with the cors package (credentials: true), which this package does not do'

/** The origin for the log, if it is valid. */
function originOf(req: Request): string {
  const origin = req.get('origin') ?? ''
  return URL.canParse(origin) && origin.length < 200 ? origin : 'unknown'
}

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/**
 * Keeps other sites from calling state-changing routes with the user's cookie, and from logging the user in to another
 * account. Checks Fetch Metadata (`Sec-Fetch-Site`), or else `Origin`. Clients that send neither are not browsers.
 */
export function sameOrigin({ allowedOrigins }: Pick<Config, 'allowedOrigins'>, hint: Hint): Check {
  const refused = new Set<string>()
  const hintOrigin = (req: Request) => {
    const origin = originOf(req)
    if (refused.size < MOST_ORIGINS) refused.add(origin)
    if (refused.has(origin)) hint(`origin ${origin}`, NOT_ALLOWED, { origin })
  }
  return (req) => {
    if (isPreflight(req) && allowedOrigins.includes(req.get('origin') ?? '')) hint('preflight', NO_CORS)
    else if (isPreflight(req) && !isAllowed(req, allowedOrigins)) hintOrigin(req)
    if (SAFE_METHODS.includes(req.method) || isAllowed(req, allowedOrigins)) return undefined
    hintOrigin(req)
    return new AuthError('cross_site_request')
  }
}

/** A preflight that reaches the router was not handled by CORS middleware, so the browser will block the call. */
function isPreflight(req: Request): boolean {
  return req.method === 'OPTIONS' && req.get('access-control-request-method') !== undefined
}

const NO_CORS =
  'a CORS preflight of an allowed origin reached auth.router, so the browser will block the call: this package sends no CORS ' +
  'headers, so mount the cors package before the router, app.use(cors({ origin: [...], credentials: true }))'

function isAllowed(req: Request, allowedOrigins: readonly string[]): boolean {
  const origin = req.get('origin')
  if (origin !== undefined && allowedOrigins.includes(origin)) return true
  const site = req.get('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  if (origin === undefined) return true
  // An HTTP page can be modified in transit.
  if (req.secure && !origin.startsWith('https:')) return false
  const host = hostOf(origin)
  return host !== undefined && hostsOf(req).includes(host)
}

/** Compares hosts without the scheme, because HTTPS may look like HTTP behind a proxy. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

function hostsOf(req: Request): (string | undefined)[] {
  const forwarded = trustsProxy(req) ? req.get('x-forwarded-host')?.split(',')[0]?.trim() : undefined
  return [forwarded, req.get('host')]
    .filter((host) => host !== undefined)
    .map((host) => hostOf(`${req.protocol}://${host}`))
}
