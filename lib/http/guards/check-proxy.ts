import type { RequestHandler } from 'express'
import type { Logger } from '../../events.js'

/** Tells once when any client could choose the address that limits and Auth0 judge it by. */
export function checkProxy(logger: Logger | undefined): RequestHandler {
  let told = false
  return (req, _res, next) => {
    if (!told && req.app.get('trust proxy') === true) {
      told = true
      logger?.warn({ setting: 'trust proxy' }, TRUSTS_ANYONE)
    }
    next()
  }
}

const TRUSTS_ANYONE =
  "app.set('trust proxy', true) lets any client choose its address by X-Forwarded-For, and so evade rate limits: " +
  'set the number of proxies in front of this app'
