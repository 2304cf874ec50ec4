export interface Contender {
  name: string
  /** Below contenders/. */
  file: string
  variant: readonly string[]
  scales: readonly ('hot' | 'login')[]
  /** How a session comes to be: a POST of the password, an authorization code flow, or not at all. */
  login: 'password' | 'redirect' | 'none'
  what: string
}

export const BASE = 'base'

const password = { login: 'password' } as const
const redirect = { login: 'redirect', scales: ['hot'] } as const
const hot = { scales: ['hot'] } as const
const login = { scales: ['login'] } as const
const session = { file: 'express-session.js', ...password } as const

export const CONTENDERS: readonly Contender[] = [
  { name: 'floor-express', file: 'floors.js', variant: [], ...hot, login: 'none', what: 'Express, no authentication' },
  {
    ...{ name: 'floor-get', file: 'floors.js', variant: ['redis-get'], ...hot, ...password },
    what: 'Express + one ioredis GET + JSON.parse, unsigned cookie, nothing checked',
  },
  {
    ...{ name: BASE, ...session, variant: ['fetch'], scales: ['hot', 'login'] },
    what: 'express-session + connect-redis 8 + ioredis; login: global fetch, regenerate, save',
  },
  {
    ...{ name: 'base-pipelined', ...session, variant: ['auto-pipelining'], ...hot },
    what: 'base with enableAutoPipelining',
  },
  {
    ...{ name: 'node-redis', ...session, variant: ['node-redis'], ...hot },
    what: 'express-session + connect-redis 9 + node-redis 5',
  },
  { name: 'passport', ...session, variant: ['passport'], ...hot, what: 'base + passport' },
  {
    ...{ name: 'oidc-cookie', file: 'express-openid-connect.js', variant: ['cookie'], ...redirect },
    what: 'express-openid-connect, its cookie session',
  },
  {
    ...{ name: 'oidc-redis', file: 'express-openid-connect.js', variant: ['redis'], ...redirect },
    what: 'express-openid-connect, a store in Redis',
  },
  {
    ...{ name: 'server-js', file: 'auth0-server-js.js', variant: ['once'], ...redirect },
    what: '@auth0/auth0-server-js, a store in Redis, the session read once',
  },
  {
    ...{ name: 'server-js-example', file: 'auth0-server-js.js', variant: ['guard-and-handler'], ...redirect },
    what: 'the same as in its example: guard and handler read the session',
  },
  {
    ...{ name: 'ours', file: 'ours.js', variant: ['auth'], scales: ['hot', 'login'], ...password },
    what: 'express-auth0-ropg: requireAuth, the handler reads req.auth; login: auth.router',
  },
  {
    ...{ name: 'ours-session', file: 'ours.js', variant: ['session'], ...hot, ...password },
    what: 'express-auth0-ropg: requireAuth, the handler reads req.session, too',
  },
  {
    name: 'agent',
    ...session,
    variant: ['agent'],
    ...login,
    what: 'base, node:http with a keep-alive agent for fetch',
  },
  {
    ...{ name: 'openid-client', ...session, variant: ['openid-client'], ...login },
    what: 'base, openid-client with one shared Configuration for fetch',
  },
  {
    ...{ name: 'auth0-auth-js', ...session, variant: ['auth0-auth-js'], ...login },
    what: 'base, @auth0/auth0-auth-js getTokenByPassword with auth0ForwardedFor for fetch',
  },
]
