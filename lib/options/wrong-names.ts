/** Names from other packages: level -> the option that is meant -> the names, in lowercase and without underscores. */
const MEANT: Record<string, Record<string, string>> = {
  '': {
    domain: 'issuer issuerurl issuerbaseurl auth0domain auth0url auth0 tenant tenantdomain host hostname',
    'domain or interactive.baseUrl': 'baseurl appbaseurl',
    clientId: 'auth0clientid appid applicationid',
    clientSecret: 'auth0clientsecret appsecret applicationsecret',
    clientAuth: 'clientauthmethod clientauthentication tokenendpointauthmethod clientassertion privatekey',
    realm: 'connection connections database databaseconnection auth0connection auth0realm',
    allowedRealms: 'allowedconnections',
    audience: 'apiidentifier auth0audience resource',
    idTokenSigningAlg: 'alg algorithm algorithms signingalg signingalgorithm idtokenalg',
    redis: 'redisurl redisuri redisclient redisoptions store sessionstore',
    session: 'appsession sessions',
    'session.secret': 'secret secrets sessionsecret sessionsecrets cookiesecret secretkey sessionkey keys',
    'session.cookie': 'cookies cookieoptions sessioncookie',
    'session.cookie.name': 'cookiename sessionname',
    'session.cookie.domain': 'cookiedomain',
    'session.cookie.path': 'cookiepath',
    'session.cookie.secure': 'securecookie cookiesecure',
    'session.idleTimeout or session.absoluteTimeout':
      'maxage ttl expires expiresin lifetime sessionttl sessionmaxage sessiontimeout sessionlifetime cookiemaxage',
    'session.idleTimeout': 'idletime rollingduration',
    'session.absoluteTimeout': 'absoluteduration',
    'session.remembered': 'rememberme remember',
    'session.maxPerUser': 'maxsessions maxsessionsperuser',
    'session.prefix': 'keyprefix redisprefix',
    rateLimit: 'ratelimiter ratelimiting limiter limits',
    'rateLimit.subnet': 'max maxattempts windowms',
    requireHttps: 'https httpsonly forcehttps enforcehttps',
    allowedOrigins: 'cors corsorigin corsorigins origin origins trustedorigins',
    'timeouts.auth0 or timeouts.redis': 'timeout timeoutms deadline',
    'timeouts.auth0': 'httptimeout auth0timeout requesttimeout',
    'timeouts.redis': 'redistimeout commandtimeout',
    logger: 'log logging loglevel',
    onEvent: 'events eventlistener onlog',
    onError: 'errorhandler',
    onLogin: 'aftercallback afterlogin',
    clock: 'now testclock',
  },
  session: {
    redis: 'store client',
    'session.secret': 'secrets keys key',
    'session.cookie.name': 'name cookiename',
    'session.idleTimeout or session.absoluteTimeout': 'maxage ttl expires expiresin timeout lifetime',
    'session.idleTimeout': 'rollingduration',
    'session.absoluteTimeout': 'absoluteduration',
    'session.remembered': 'rememberme remember',
    'session.maxPerUser': 'max maxsessions limit',
    'session.prefix': 'keyprefix',
  },
  'session.cookie': { 'session.idleTimeout or session.absoluteTimeout': 'maxage expires ttl' },
  'session.remembered': { 'session.remembered.idleTimeout or session.remembered.absoluteTimeout': 'maxage ttl' },
  rateLimit: {
    'rateLimit.subnet': 'ip login',
    'rateLimit.subnet.limit': 'max limit maxattempts points',
    'rateLimit.subnet.windowMs': 'windowms window duration',
    'rateLimit.account': 'user username email',
    'rateLimit.reset': 'passwordreset',
  },
}

const LIMIT = { limit: 'max points attempts', windowMs: 'duration window' }

const ROLLING = 'every request restarts session.idleTimeout anyway, so remove it'

/** Names without a corresponding option, prefixed with their level. */
const NO_OPTION = new Map([
  ['.trustproxy', "set it in Express: app.set('trust proxy', ...)"],
  ['.rolling', ROLLING],
  ['session.rolling', ROLLING],
  ['session.cookie.httponly', 'the cookie is always HttpOnly, so remove it'],
])

/** What to do about a wrong name, which is passed in lowercase and without underscores. */
export function adviceFor(level: string, name: string): string | undefined {
  const meant = Object.entries(namesAt(level)).find(([, names]) => names.split(' ').includes(name))
  return meant ? `did you mean ${meant[0]}?` : NO_OPTION.get(`${level}.${name}`)
}

function namesAt(level: string): Record<string, string> {
  if (!level.startsWith('rateLimit.')) return MEANT[level] ?? {}
  return { [`${level}.limit`]: LIMIT.limit, [`${level}.windowMs`]: LIMIT.windowMs }
}
