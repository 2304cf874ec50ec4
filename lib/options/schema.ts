import { z } from 'zod'
import type { ClientAuth } from 'openid-client'
import type { Logger } from '../events.js'
import { domainProblem } from './domain.js'
import { baseUrlProblem, linkProblem, originProblem, pageProblem } from './links.js'
import { hasLevels } from './message-first.js'
import type { RopgAuthOptions, TestClock } from './options.js'
import { redisProblem } from './redis-problem.js'

/** Adds a check that returns what is wrong. */
function checked<T extends z.ZodType>(schema: T, problemOf: (value: z.output<T>) => string | undefined): T {
  return schema.superRefine((value, context) => {
    const message = problemOf(value)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
}

function wholeNumber(unit: string, most = Number.MAX_SAFE_INTEGER) {
  const range = most === Number.MAX_SAFE_INTEGER ? 'greater than 0' : `from 1 to ${most}`
  const isInRange = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= most
  return z.custom<number>(isInRange, `must be a whole number of ${unit}, ${range}`)
}

const text = z.string().min(1, 'must not be empty')
const link = checked(text, linkProblem)
const seconds = wholeNumber('seconds', 31_622_400)
const milliseconds = wholeNumber('milliseconds', 86_400_000)
const callback = <T>() => z.custom<T>((value) => typeof value === 'function', 'must be a function')

const QUOTES = 'is wrapped in quotes: remove them (some tools, such as docker --env-file, do not strip quotes)'
const isQuoted = (value: string) => /^(["']).*\1$/s.test(value)
const isPlaceholder = (value: string) => /^([<{].*[>}]|your[-_ ]?(auth0[-_ ]?)?client.*)$/i.test(value)

/** A value from the Auth0 Dashboard. */
const copied = checked(text, (value) => {
  if (isQuoted(value)) return QUOTES
  if (!isPlaceholder(value)) return undefined
  return 'is still a placeholder: copy the value from the Auth0 Dashboard, Applications > your application > Settings'
})

const secret = checked(z.string(), (value) => {
  if (isQuoted(value)) return QUOTES
  return value.length < 32
    ? 'must be at least 32 characters long: generate one with openssl rand -base64 48'
    : undefined
})

const lifetime = { idleTimeout: seconds.optional(), absoluteTimeout: seconds.optional() }

const limit = z
  .union([
    z.literal(false),
    z.strictObject({ limit: wholeNumber('attempts').optional(), windowMs: milliseconds.optional() }),
  ])
  .optional()

const rateLimit = z.strictObject({
  ...{ subnet: limit, attempts: limit, account: limit },
  ...{ mfa: limit, signup: limit, reset: limit },
})

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
const COOKIE_DOMAIN = new RegExp(`^\\.?${LABEL}(\\.${LABEL})*$`, 'i')

const cookie = z.strictObject({
  name: z
    .string()
    .regex(
      /^[\w!#$%&'*.^`|~+-]+$/,
      'must be a valid cookie name, without spaces or any of ( ) < > @ , ; : " / [ ] ? = { }',
    )
    .optional(),
  path: z
    .string()
    .regex(/^\/[\x20-\x3a\x3c-\x7e]*$/, 'must start with / and contain only printable ASCII characters other than ;')
    .optional(),
  domain: z.string().regex(COOKIE_DOMAIN, 'must be a host name such as example.com').optional(),
  sameSite: z.enum(['lax', 'strict', 'none']).optional(),
  secure: z.union([z.boolean(), z.literal('auto')]).optional(),
})

/** Keys that express-session, this package, and all objects use. */
const OWN_KEYS = new Set([
  ...['id', 'cookie', 'ropg', 'req', '__proto__', 'constructor'],
  ...['regenerate', 'destroy', 'reload', 'save', 'touch', 'resetMaxAge'],
])

const ownKey = text.refine((key) => !OWN_KEYS.has(key), 'is reserved for the session itself: use a different key')

const session = z.strictObject({
  secret: z.union([secret, z.array(secret).min(1, 'must contain at least one secret')]).optional(),
  ...lifetime,
  remembered: z.strictObject(lifetime).optional(),
  cookie: cookie.optional(),
  preserve: z.array(ownKey).optional(),
  maxPerUser: wholeNumber('sessions').optional(),
  prefix: text.optional(),
})

const interactive = z.strictObject({ baseUrl: checked(text, baseUrlProblem), federated: z.boolean().optional() })

const page = checked(text, pageProblem)
const pages = z.strictObject({ login: page, afterLogin: page.optional(), afterLogout: page.optional() })

function isTestClock(value: unknown): boolean {
  const { now, advance } = Object(value) as Record<string, unknown>
  return typeof now === 'function' && typeof advance === 'function'
}

const shape = {
  domain: checked(text, domainProblem).optional(),
  clientId: copied.optional(),
  clientSecret: copied.optional(),
  clientAuth: callback<ClientAuth>().optional(),
  realm: text.optional(),
  allowedRealms: z.array(text).optional(),
  audience: text.optional(),
  scope: text
    .refine((scope) => scope.split(/\s+/).includes('openid'), 'must include openid, with scopes separated by spaces')
    .optional(),
  idTokenSigningAlg: z.enum(['RS256', 'PS256', 'HS256']).optional(),
  redis: checked(z.custom<RopgAuthOptions['redis']>(), redisProblem).optional(),
  session: session.optional(),
  onLogin: callback<RopgAuthOptions['onLogin']>().optional(),
  mfa: z.enum(['interactive', 'api']).optional(),
  interactive: z.union([z.literal(false), interactive]).optional(),
  signup: z.boolean().optional(),
  passwordReset: z.boolean().optional(),
  backchannelLogout: z.boolean().optional(),
  pages: z.union([z.literal(false), pages]).optional(),
  loginUrl: link.optional(),
  recoveryUrl: link.optional(),
  rateLimit: z.union([z.literal(false), rateLimit]).optional(),
  forwardClientIp: z.boolean().optional(),
  requireHttps: z.boolean().optional(),
  allowedOrigins: z.array(checked(text, originProblem)).optional(),
  exposeTokens: z.boolean().optional(),
  exposeDeniedReason: z.boolean().optional(),
  timeouts: z.strictObject({ auth0: milliseconds.optional(), redis: milliseconds.optional() }).optional(),
  logger: z
    .union([z.literal(false), z.custom<Logger>(hasLevels, 'must have the methods info, warn and error')])
    .optional(),
  logUserName: z.union([z.enum(['plain', 'hashed']), z.literal(false)]).optional(),
  onEvent: callback<RopgAuthOptions['onEvent']>().optional(),
  clock: z
    .custom<TestClock>(isTestClock, 'must be a test clock: pass createTestClock() from express-auth0-ropg/testing')
    .optional(),
  onError: callback<RopgAuthOptions['onError']>().optional(),
} satisfies Record<keyof RopgAuthOptions, z.ZodType>

/** The compiler checks that it has the keys of {@link RopgAuthOptions}. */
export const optionsSchema: z.ZodObject = z.strictObject(shape)
