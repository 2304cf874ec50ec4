import type { Request, RequestHandler } from 'express'

/** Whether the browser shows the response as a page. The demo's script gets JSON. */
export function wantsPage(req: Request): boolean {
  const mode = req.get('sec-fetch-mode')
  return mode === undefined ? /\btext\/html\b/.test(req.get('accept') ?? '') : mode === 'navigate'
}

/** Blocks form posts from other sites. The package's router protects its own routes. */
export const sameOriginOnly: RequestHandler = (req, res, next) => {
  const site = req.get('sec-fetch-site') ?? 'same-origin'
  if (req.method === 'GET' || req.method === 'HEAD' || site === 'same-origin' || site === 'none') next()
  else res.status(403).json({ message: 'This request came from a different site and was blocked.' })
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Adds parameters to a path of this app. */
export function withQuery(path: string, params: Record<string, string | undefined>): string {
  const given = Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const query = new URLSearchParams(given).toString()
  return query === '' ? path : `${path}?${query}`
}

/** Allows no inline scripts or styles. Includes Auth0, because browsers also check redirects of form posts. */
export function securityHeaders(auth0: string): RequestHandler {
  const policy = [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
    `form-action 'self' ${auth0}`,
    ...["base-uri 'none'", "frame-ancestors 'none'"],
  ].join('; ')
  return (_req, res, next) => {
    res.set({ 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' })
    next()
  }
}
