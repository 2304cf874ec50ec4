import { createRopgAuth } from '../../dist/index.js'
import { settings } from './settings.js'

export const auth = createRopgAuth({
  domain: settings.issuer,
  clientId: settings.clientId,
  clientSecret: settings.clientSecret,
  scope: settings.scope,
  redis: settings.redisUrl,
  // Plain HTTP on loopback, although NODE_ENV is production.
  session: { secret: settings.sessionSecret, cookie: { name: 'auth', secure: false } },
  requireHttps: false,
  logger: false,
  // The peers have no rate limits either.
  rateLimit: settings.variant.includes('limits') && {
    subnet: { limit: 1000, windowMs: 60_000 },
    attempts: { limit: 1_000_000, windowMs: 60_000 },
    account: { limit: 1000, windowMs: 60_000 },
  },
})
