import { z } from 'zod'
import type { Cluster, Redis, RedisOptions } from 'ioredis'
import type { ClientAuth } from 'openid-client'
import type { Logger } from '../events.js'
import type { RopgAuthOptions } from './options.js'

const text = z.string().min(1, 'must not be empty')
const seconds = z.number().int().positive().max(31_622_400, 'must be at most 366 days, in seconds')
const milliseconds = z.number().int().positive().max(86_400_000)
const callback = <T>() => z.custom<T>((value) => typeof value === 'function', 'must be a function')
const httpUrl = z.string().refine(isUsableLink, 'must be an http(s) URL or a path that begins with one /')
const origin = z.string().refine(isOrigin, 'must be an origin such as https://app.example.com, without a path')

function isUsableLink(value: string): boolean {
  if (/^\/(?![/\\])/.test(value)) return true
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
}

function isOrigin(value: string): boolean {
  return URL.canParse(value) && new URL(value).origin === value
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function isLogger(value: unknown): boolean {
  return isObject(value) && ['info', 'warn', 'error'].every((level) => typeof value[level] === 'function')
}

/** An option of a capability that is still to come: known, and good for nothing but switching it off. */
const notYet = <T>(off: T) =>
  z.custom<T>((value) => value === off, `is not available in this version: leave it out, or set it to ${String(off)}`)

function redisProblem(redis: unknown): string | undefined {
  if (redis === '') return 'must not be empty'
  if (typeof redis === 'string') return undefined
  if (!isObject(redis)) return 'must be an ioredis client, options or URL'
  if (redis instanceof URL) return 'must be a URL as a string: pass url.href'
  if (!isPlain(redis)) return isClient(redis) ? undefined : 'must be an ioredis client, options or URL'
  return 'url' in redis ? 'must be the URL itself (redis: url), or ioredis options, which know no url' : undefined
}

/** Whose client it is, the store looks at. */
const isClient = (value: object) => 'connect' in value || 'sendCommand' in value

/** Realms of test runners have an Object of their own, so the depth of the chain decides. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || (Object.getPrototypeOf(prototype) === null && !Array.isArray(value))
}

const lifetime = { idleTimeout: seconds.optional(), absoluteTimeout: seconds.optional() }

const secret = z.string().min(32, 'must be at least 32 characters long; try: openssl rand -base64 48')

const limit = z.strictObject({ limit: z.number().int().positive(), windowMs: milliseconds })

const rateLimit = z.strictObject({
  subnet: z.union([z.literal(false), limit]).optional(),
  account: notYet<false>(false).optional(),
})

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
const COOKIE_DOMAIN = new RegExp(`^\\.?${LABEL}(\\.${LABEL})*$`, 'i')

const cookie = z.strictObject({
  name: z
    .string()
    .regex(/^[\w!#$%&'*.^`|~+-]+$/, 'must be a cookie name (RFC 6265)')
    .optional(),
  path: z
    .string()
    .startsWith('/', 'must begin with /')
    .regex(/^[\x20-\x3a\x3c-\x7e]*$/, 'must be a cookie path (RFC 6265), without ;')
    .optional(),
  domain: text.regex(COOKIE_DOMAIN, 'must be a host name').optional(),
  sameSite: z.enum(['lax', 'strict', 'none']).optional(),
  secure: z.union([z.boolean(), z.literal('auto')]).optional(),
})

/** What express-session, this package and every object put there. */
const OWN_KEYS = new Set([
  ...['id', 'cookie', 'ropg', 'req', '__proto__', 'constructor'],
  ...['regenerate', 'destroy', 'reload', 'save', 'touch', 'resetMaxAge'],
])

const session = z.strictObject({
  secret: z.union([secret, z.array(secret).min(1, 'must hold at least one secret')]).optional(),
  ...lifetime,
  remembered: z.strictObject(lifetime).optional(),
  cookie: cookie.optional(),
  preserve: z
    .array(text.refine((key) => !OWN_KEYS.has(key), 'must be a key of your own, not one of the session itself'))
    .optional(),
  prefix: text.optional(),
})

const shape = {
  domain: text.optional(),
  clientId: text.optional(),
  clientSecret: text.optional(),
  clientAuth: callback<ClientAuth>().optional(),
  realm: text.optional(),
  allowedRealms: z.array(text).optional(),
  audience: text.optional(),
  scope: text.refine((scope) => scope.split(/\s+/).includes('openid'), 'must contain openid').optional(),
  idTokenSigningAlg: z.enum(['RS256', 'PS256', 'HS256']).optional(),
  redis: z
    .custom<Redis | Cluster | RedisOptions | string>()
    .superRefine((redis, context) => {
      const message = redisProblem(redis)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })
    .optional(),
  session: session.optional(),
  mfa: z
    .custom<'interactive'>(
      (value) => value === 'interactive',
      "other than 'interactive' is not available in this version",
    )
    .optional(),
  interactive: notYet<false>(false).optional(),
  signup: notYet<false>(false).optional(),
  passwordReset: notYet<false>(false).optional(),
  backchannelLogout: notYet<false>(false).optional(),
  pages: notYet<false>(false).optional(),
  loginUrl: httpUrl.optional(),
  recoveryUrl: httpUrl.optional(),
  rateLimit: z.union([z.literal(false), rateLimit]).optional(),
  forwardClientIp: z.boolean().optional(),
  requireHttps: z.boolean().optional(),
  allowedOrigins: z.array(origin).optional(),
  exposeTokens: z.boolean().optional(),
  exposeDeniedReason: z.boolean().optional(),
  timeouts: z.strictObject({ auth0: milliseconds.optional(), redis: milliseconds.optional() }).optional(),
  logger: z
    .union([z.literal(false), z.custom<Logger>(isLogger, 'must have the methods info, warn and error')])
    .optional(),
  logUserName: z.enum(['plain', 'hashed']).optional(),
  onEvent: callback<NonNullable<RopgAuthOptions['onEvent']>>().optional(),
  onError: callback<NonNullable<RopgAuthOptions['onError']>>().optional(),
} satisfies Record<keyof RopgAuthOptions, z.ZodType>

/** The shape of the options; the compiler holds its keys to {@link RopgAuthOptions}. */
export const optionsSchema = z.strictObject(shape)
