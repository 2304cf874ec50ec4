/** What is measured: a guarded GET, a GET that needs the access token, or a login. */
export type Scale = 'get' | 'token' | 'login'

export interface Contender {
  name: string
  /** Relative to contenders/. */
  file: string
  variant: readonly string[]
  scales: readonly Scale[]
  /** How sessions are created: password POST, authorization code flow, or not at all. */
  login: 'password' | 'redirect' | 'none'
  /** Route that stores app data in the session, called after the login. */
  fill?: string
  what: string
}

export const BASE = 'base'

const password = { login: 'password' } as const
const redirect = { login: 'redirect', scales: ['get', 'token'] } as const
const get = { scales: ['get'] } as const
const getAndToken = { scales: ['get', 'token'] } as const
const login = { scales: ['login'] } as const
const session = { file: 'express-session.js', ...password } as const

export const CONTENDERS: readonly Contender[] = [
  { name: 'floor-express', file: 'floors.js', variant: [], ...get, login: 'none', what: 'Express, no authentication' },
  {
    ...{ name: 'floor-get', file: 'floors.js', variant: ['redis-get'], ...getAndToken, ...password },
    what: 'the raw GET: Express + one ioredis GET + JSON.parse, unsigned cookie, nothing checked',
  },
  {
    ...{ name: BASE, ...session, variant: ['fetch'], scales: ['get', 'token', 'login'] },
    what: 'express-session + connect-redis 8 + ioredis, reads req.session; login: global fetch, regenerate, save',
  },
  {
    ...{ name: 'base-pipelined', ...session, variant: ['auto-pipelining'], ...get },
    what: 'base with enableAutoPipelining',
  },
  {
    ...{ name: 'node-redis', ...session, variant: ['node-redis'], ...getAndToken },
    what: 'express-session + connect-redis 9 + node-redis 5',
  },
  { name: 'passport', ...session, variant: ['passport'], ...get, what: 'base + passport' },
  {
    ...{ name: 'oidc-cookie', file: 'express-openid-connect.js', variant: ['cookie'], ...redirect },
    what: 'express-openid-connect with its cookie session; token: req.oidc.accessToken',
  },
  {
    ...{ name: 'oidc-redis', file: 'express-openid-connect.js', variant: ['redis'], ...redirect },
    what: 'the same with a store in Redis',
  },
  {
    ...{ name: 'server-js', file: 'auth0-server-js.js', variant: ['once'], ...redirect },
    what: '@auth0/auth0-server-js with a store in Redis, the session read once: getUser or, for a token, getAccessToken',
  },
  {
    ...{ name: 'server-js-example', file: 'auth0-server-js.js', variant: ['guard-and-handler'], ...redirect },
    what: 'the same as in its example: guard and handler each read the session',
  },
  {
    ...{ name: 'ours', file: 'ours.js', variant: ['auth'], scales: ['get', 'token', 'login'], ...password },
    what: 'express-auth0-ropg: requireAuth, the handler reads req.auth; token: getAccessToken(); login: auth.router',
  },
  {
    ...{ name: 'ours-session', file: 'ours.js', variant: ['session'], ...get, ...password, fill: '/cart' },
    what: 'express-auth0-ropg: auth.session mounted, requireAuth, the handler also reads a cart from req.session',
  },
  {
    name: 'agent',
    ...session,
    variant: ['agent'],
    ...login,
    what: 'base, node:http with a keep-alive agent instead of fetch',
  },
  {
    ...{ name: 'openid-client', ...session, variant: ['openid-client'], ...login },
    what: 'base, openid-client with one shared Configuration instead of fetch',
  },
  {
    ...{ name: 'auth0-auth-js', ...session, variant: ['auth0-auth-js'], ...login },
    what: 'base, @auth0/auth0-auth-js getTokenByPassword with auth0ForwardedFor instead of fetch',
  },
]

export function contenderNamed(name: string): Contender {
  const found = CONTENDERS.find((contender) => contender.name === name)
  if (!found) throw new Error(`there is no contender ${name}`)
  return found
}
