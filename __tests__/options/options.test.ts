import { describe, expect, it } from '@jest/globals'
import type {
  CookieOptions,
  Lifetime,
  LimitOptions,
  RateLimitOptions,
  RopgAuthOptions,
  SessionOptions,
  Timeouts,
} from '../../lib/index.ts'
import { complete, environment, resolve } from './support.ts'

describe('RopgAuthOptions', () => {
  it('takes environment variables as they are, under exactOptionalPropertyTypes', () => {
    const env: NodeJS.ProcessEnv = {}
    const options: RopgAuthOptions = {
      domain: env.AUTH0_DOMAIN,
      clientId: env.AUTH0_CLIENT_ID,
      clientSecret: env.AUTH0_CLIENT_SECRET,
      redis: env.REDIS_URL,
      audience: env.AUDIENCE,
      session: { secret: env.SESSION_SECRET, prefix: env.PREFIX, cookie: { domain: env.COOKIE_DOMAIN } },
    }
    expect(resolve(options, environment).redis).toBeUndefined()
    const redis = { host: 'localhost', password: env.REDIS_PASSWORD } satisfies RopgAuthOptions['redis']
    expect(resolve({ ...complete, redis }).redis).toEqual({ host: 'localhost' })
  })

  it('takes undefined for every member at every level', () => {
    type Undefined<T> = { [K in keyof T]-?: undefined }
    interface Levels {
      options: RopgAuthOptions
      session: SessionOptions
      remembered: Lifetime
      cookie: CookieOptions
      timeouts: Timeouts
      rateLimit: RateLimitOptions
      limit: LimitOptions
    }
    // Checked by the compiler: a member without `| undefined` is a type error.
    const nothing = {} as { [K in keyof Levels]: Undefined<Levels[K]> }
    const levels: Levels = nothing
    expect(resolve(levels.options, environment).clientId).toBe('client of the environment')
  })
})
