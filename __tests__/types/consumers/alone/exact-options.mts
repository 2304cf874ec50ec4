// `exactOptionalPropertyTypes`: an environment variable that may be missing is as good as an option left out.
import { createRopgAuth, type RopgAuthOptions } from 'express-auth0-ropg'

const { env } = process

const auth = createRopgAuth({
  domain: env['AUTH0_DOMAIN'],
  clientId: env['AUTH0_CLIENT_ID'],
  clientSecret: env['AUTH0_CLIENT_SECRET'],
  realm: env['AUTH0_REALM'],
  audience: env['AUTH0_AUDIENCE'],
  scope: env['AUTH0_SCOPE'],
  redis: env['REDIS_URL'],
  loginUrl: env['LOGIN_URL'],
  session: { secret: env['SESSION_SECRET'], idleTimeout: undefined, cookie: { domain: env['COOKIE_DOMAIN'] } },
})

/** Every option may be undefined, and the options within options too. */
type Undefinable<Options> = { [Name in keyof Options]: Options[Name] | undefined }
type Options = Required<RopgAuthOptions>
type Plain<Option> = Exclude<Option, undefined | false>
const every: Undefinable<RopgAuthOptions> = {}
const session: Undefinable<Plain<Options['session']>> = {}
const cookie: Undefinable<Plain<Plain<Options['session']>['cookie']>> = {}
const remembered: Undefinable<Plain<Plain<Options['session']>['remembered']>> = {}
const timeouts: Undefinable<Plain<Options['timeouts']>> = {}
const rateLimit: Undefinable<Plain<Options['rateLimit']>> = {}
createRopgAuth({ ...every, session: { ...session, cookie, remembered }, timeouts, rateLimit })

await auth.client.getTokenByPassword({ username: 'ada', password: 'secret', realm: env['AUTH0_REALM'] })
await auth.client.refresh({ refreshToken: 'token', scope: env['AUTH0_SCOPE'] })
await auth.sessions.revokeAll('auth0|1', { except: env['SESSION'] })
