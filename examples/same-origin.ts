import type { RequestHandler } from 'express'

const SAFE = ['GET', 'HEAD', 'OPTIONS']

/** Blocks requests from other sites to your own routes. `auth.router` protects its own routes. */
export const sameOrigin: RequestHandler = (req, res, next) => {
  const site = req.get('sec-fetch-site')
  // Browsers without Fetch Metadata send `Origin`. Clients that send neither are not browsers.
  const isSame = site === undefined ? isOwn(req.get('origin'), req.get('host')) : ['same-origin', 'none'].includes(site)
  if (SAFE.includes(req.method) || isSame) next()
  else res.status(403).json({ message: 'This request came from another site.' })
}

function isOwn(origin: string | undefined, host = ''): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}
