import { describe, expect, it } from '@jest/globals'
import { complete, errorFor, problemsIn, secret } from './support.ts'

/** Valid options with a wrong name at a path. */
function withName(path: string): object {
  const [name = '', ...holders] = path.split('.').reverse()
  const wrong = holders.reduce<object>((inner, key) => ({ [key]: inner }), { [name]: 'x' })
  const { session = {} } = wrong as { session?: object }
  return { ...complete, ...wrong, session: { secret, ...session } }
}

const hintFor = (path: string) => /: (.*)$/.exec(errorFor(withName(path)).message)?.[1]

const MEANT: Record<string, string[]> = {
  domain: ['issuerBaseURL', 'issuer', 'issuerUrl', 'auth0Domain', 'AUTH0_DOMAIN', 'tenant', 'domian', 'Domain'],
  'domain or interactive.baseUrl': ['baseUrl', 'baseURL'],
  clientId: ['clientID', 'client_id', 'auth0ClientId', 'cleintId'],
  clientSecret: ['client_secret', 'auth0ClientSecret', 'clientsecret'],
  clientAuth: ['tokenEndpointAuthMethod', 'clientauth'],
  realm: ['connection', 'database', 'realms'],
  allowedRealms: ['allowedConnections', 'allowedRealm'],
  audience: ['audence', 'audiences'],
  scope: ['scopes', 'socpe'],
  idTokenSigningAlg: ['algorithms', 'tokenSigningAlg', 'signingAlg'],
  redis: ['redisUrl', 'redisURL', 'REDIS_URL', 'redisClient', 'store', 'session.store'],
  session: ['appSession', 'sesion'],
  'session.secret': [
    'sessionSecret',
    'SESSION_SECRET',
    'secret',
    'secrets',
    'cookieSecret',
    'session.secrets',
    'session.keys',
  ],
  'session.cookie': ['cookie', 'cookies', 'session.cookies'],
  'session.cookie.name': ['cookieName', 'session.name', 'session.cookieName'],
  'session.cookie.sameSite': ['sameSite', 'session.cookie.samesite', 'session.cookie.same_site'],
  'session.cookie.secure': ['secure', 'secureCookie', 'session.secure'],
  'session.idleTimeout or session.absoluteTimeout': [
    'maxAge',
    'ttl',
    'session.maxAge',
    'session.ttl',
    'session.cookie.maxAge',
  ],
  'session.idleTimeout': ['idleTimeout', 'rollingDuration', 'session.rollingDuration', 'session.idle_timeout'],
  'session.absoluteTimeout': ['absoluteTimeout', 'absoluteDuration', 'session.absoluteTimeOut'],
  'session.remembered': ['remembered', 'rememberMe', 'session.rememberMe'],
  'session.remembered.idleTimeout': ['session.remembered.idletimeout'],
  'session.preserve': ['preserve'],
  'session.maxPerUser': ['maxPerUser', 'maxSessions', 'session.maxSessions'],
  'session.prefix': ['prefix', 'keyPrefix', 'session.keyPrefix'],
  rateLimit: ['rateLimiter', 'rateLimits', 'limiter', 'ratelimit'],
  'rateLimit.subnet': ['subnet', 'rateLimit.subnets', 'rateLimit.ip'],
  'rateLimit.account': ['rateLimit.accounts'],
  'rateLimit.reset': ['rateLimit.passwordReset'],
  'rateLimit.subnet.limit': ['rateLimit.max', 'rateLimit.limit', 'rateLimit.subnet.max'],
  'rateLimit.subnet.windowMs': ['rateLimit.windowMs', 'rateLimit.subnet.window'],
  'rateLimit.mfa.limit': ['rateLimit.mfa.max'],
  requireHttps: ['https', 'requireHTTPS', 'forceHttps'],
  allowedOrigins: ['cors', 'corsOrigins', 'origins', 'allowedOrigin'],
  'timeouts.auth0': ['timeouts.auth', 'auth0Timeout'],
  'timeouts.redis': ['redisTimeout'],
  'timeouts.auth0 or timeouts.redis': ['timeout'],
  logger: ['log', 'logLevel', 'loger'],
  onLogin: ['onlogin', 'afterCallback'],
  onError: ['errorHandler', 'onErrors'],
  clock: ['testClock', 'now'],
}

describe('an unknown option', () => {
  const cases = Object.entries(MEANT).flatMap(([meant, names]) => names.map((name) => [name, meant] as const))

  it.each(cases)('%s is refused with the suggestion %s', (name, meant) => {
    expect(errorFor(withName(name)).message).toBe(`unknown option ${name}: did you mean ${meant}?`)
  })

  it.each([
    'saveUninitialized',
    'resave',
    'map',
    'constructor',
    'toString',
    'session.resave',
    'session.cookie.partitioned',
  ])('%s, which resembles no option, is refused with a link to the docs', (name) => {
    expect(errorFor(withName(name)).message).toBe(`unknown option ${name}: see the list of options in docs/options.md`)
  })

  it('that belongs to Express is refused with the place to set it', () => {
    expect(hintFor('trustProxy')).toBe("set it in Express: app.set('trust proxy', ...)")
  })

  it('that cannot be changed is refused with the reason', () => {
    expect(hintFor('session.cookie.httpOnly')).toBe('the cookie is always HttpOnly, so remove it')
    expect(hintFor('session.rolling')).toBe('every request restarts session.idleTimeout anyway, so remove it')
  })

  it('is reported with all others', () => {
    const problems = problemsIn(errorFor({ ...complete, one: 1, cookie: {}, session: { secret, other: 2 } }))
    expect(problems).toHaveLength(3)
  })
})
