import { pino } from 'pino'
import { ConfigurationError } from '../errors.js'
import type { Config, CookieOptions, Lifetime, RopgAuthOptions, Seams } from './options.js'
import { steady } from './steady-logger.js'
import { readOptions, type CompleteOptions, type Env } from './read-options.js'

const DAY = 86_400

/** Checks what the caller wrote, fills in the environment and the defaults, and freezes the result. */
export function resolveOptions(written: RopgAuthOptions = {}, seams: Seams = {}, env: Env = process.env): Config {
  const options = readOptions(written, env)
  const production = env.NODE_ENV === 'production'
  const config: Config = {
    ...tenantOf(options),
    session: sessionOf(options, production),
    redis: redisOf(options, production),
    loginUrl: options.loginUrl,
    recoveryUrl: options.recoveryUrl,
    subnetLimit: options.rateLimit === false ? false : (options.rateLimit?.subnet ?? { limit: 5, windowMs: 60_000 }),
    requireHttps: options.requireHttps ?? production,
    allowedOrigins: [...(options.allowedOrigins ?? [])],
    exposeTokens: options.exposeTokens ?? false,
    exposeDeniedReason: options.exposeDeniedReason ?? false,
    timeouts: { auth0: options.timeouts?.auth0 ?? 5000, redis: options.timeouts?.redis ?? 1000 },
    logger: options.logger === false ? undefined : steady(options.logger ?? pino({ name: 'express-auth0-ropg' })),
    logUserName: options.logUserName ?? 'plain',
    onEvent: options.onEvent,
    onError: options.onError,
    ...seamsOf(seams),
  }
  return freeze(config)
}

function seamsOf({ testClock, clock = testClock ?? Date.now, fetch }: Seams) {
  return { clock, testClock, fetch }
}

function tenantOf(options: CompleteOptions) {
  const { clientSecret, clientAuth, idTokenSigningAlg = 'RS256' } = options
  if (clientSecret && clientAuth) throw new ConfigurationError('give either clientSecret or clientAuth, not both')
  if (idTokenSigningAlg === 'HS256' && !clientSecret) {
    throw new ConfigurationError('idTokenSigningAlg: HS256 needs clientSecret, which is the key of the signature')
  }
  return {
    issuer: issuerOf(options.domain),
    clientId: options.clientId,
    clientSecret,
    clientAuth,
    realm: options.realm,
    allowedRealms: [...(options.allowedRealms ?? [])],
    audience: options.audience,
    scope: options.scope ?? 'openid profile email',
    idTokenSigningAlg,
    forwardClientIp: options.forwardClientIp ?? true,
  }
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

function issuerOf(domain: string): URL {
  const written = domain.includes('://') ? domain : `https://${domain}`
  if (!URL.canParse(written)) throw new ConfigurationError('domain must be a host name or an issuer URL')
  const issuer = new URL(written)
  if (issuer.username || issuer.password || issuer.search || issuer.hash) {
    throw new ConfigurationError('domain must be a host name or an issuer URL, without credentials, query or fragment')
  }
  if (issuer.protocol === 'http:' && !LOOPBACK.test(issuer.hostname)) {
    throw new ConfigurationError('domain: http: is accepted for loopback hosts only; use https:')
  }
  if (!/^https?:$/.test(issuer.protocol)) throw new ConfigurationError('domain must use https:')
  return issuer
}

function sessionOf({ session }: CompleteOptions, production: boolean): Config['session'] {
  return {
    secrets: [session.secret].flat(),
    ordinary: lifetimeOf('session', session, { idleTimeout: DAY, absoluteTimeout: 7 * DAY }),
    remembered: lifetimeOf('session.remembered', session.remembered, {
      idleTimeout: 14 * DAY,
      absoluteTimeout: 30 * DAY,
    }),
    cookie: cookieOf(session.cookie, production),
    preserve: [...(session.preserve ?? [])],
    maxPerUser: 100,
    prefix: session.prefix ?? 'auth:',
  }
}

function lifetimeOf(name: string, written: Lifetime = {}, defaults: Required<Lifetime>): Required<Lifetime> {
  const absoluteTimeout = written.absoluteTimeout ?? defaults.absoluteTimeout
  const idleTimeout = written.idleTimeout ?? Math.min(defaults.idleTimeout, absoluteTimeout)
  if (idleTimeout > absoluteTimeout) {
    throw new ConfigurationError(`${name}.idleTimeout must not be longer than ${name}.absoluteTimeout`)
  }
  return { idleTimeout, absoluteTimeout }
}

function cookieOf(written: CookieOptions = {}, production: boolean): Config['session']['cookie'] {
  const { path = '/', domain, sameSite = 'lax', secure = production ? true : 'auto' } = written
  const hostOnly = path === '/' && domain === undefined
  const name = written.name ?? (secure === true ? (hostOnly ? '__Host-auth' : '__Secure-auth') : 'auth')
  if (name.startsWith('__Host-') && !(hostOnly && secure === true)) {
    throw new ConfigurationError('session.cookie.name: __Host- needs secure: true, path / and no domain')
  }
  if (name.startsWith('__Secure-') && secure !== true) {
    throw new ConfigurationError('session.cookie.name: __Secure- needs secure: true')
  }
  if (sameSite === 'none' && secure !== true) {
    throw new ConfigurationError('session.cookie.sameSite: none needs secure: true')
  }
  return { name, path, domain, sameSite, secure }
}

function redisOf({ redis }: RopgAuthOptions, production: boolean): Config['redis'] {
  if (redis === undefined && production) {
    throw new ConfigurationError(
      'redis is required in production: pass an ioredis client or URL, or set REDIS_URL; ' +
        'the in-process store loses every session at a restart and serves one process only',
    )
  }
  if (typeof redis === 'string' && !isRedisUrl(redis)) {
    throw new ConfigurationError('redis must be a redis: or rediss: URL, ioredis options or an ioredis client')
  }
  return redis
}

/** A URL, or the path of a Unix socket. */
function isRedisUrl(redis: string): boolean {
  return redis.startsWith('/') || (/^(rediss?|unix):\/\//.test(redis) && URL.canParse(redis))
}

function freeze(config: Config): Config {
  const { session, timeouts } = config
  for (const part of [session.ordinary, session.remembered, session.cookie, session, timeouts]) Object.freeze(part)
  for (const list of [
    config.allowedRealms,
    config.allowedOrigins,
    session.secrets,
    session.preserve,
    config.subnetLimit,
  ])
    Object.freeze(list)
  return Object.freeze(config)
}
