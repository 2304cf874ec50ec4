import type { Request } from 'express'
import type { Hint } from '../events.js'

/** Warns about a `trust proxy` setting that makes the limits and Auth0 use the wrong address. */
export function checkProxy(req: Request, hint: Hint): void {
  if (req.app.get('trust proxy') === true) hint('trust proxy: true', TRUSTS_ANYONE)
  else if (req.get('x-forwarded-for') !== undefined && !trustsProxy(req)) hint('trust proxy', TRUSTS_NOBODY)
}

/** Whether Express trusts the direct peer as a proxy. */
export function trustsProxy(req: Request): boolean {
  const trusts = req.app.get('trust proxy fn') as (address: string | undefined, hop: number) => boolean
  return trusts(req.socket.remoteAddress, 0)
}

const TRUSTS_ANYONE =
  "app.set('trust proxy', true) lets clients spoof their address with X-Forwarded-For and evade rate limits: " +
  'set it to the number of proxies in front of this app'

const TRUSTS_NOBODY =
  'a login has an X-Forwarded-For header, but trust proxy is not set: behind a proxy, all users share its address and ' +
  "one rate limit, so call app.set('trust proxy', 1) (the number of proxies)"
