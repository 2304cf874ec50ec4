import { defined, isPlain, valueAt, withValue } from './plain-object.js'

export type Env = Readonly<Record<string, string | undefined>>

/** The caller's options, completed from the environment, before validation. */
export interface Gathered {
  options: Record<string, unknown>
  /** Option -> environment variable, for options set by a variable. */
  variables: ReadonlyMap<string, string>
  /** True if `SESSION_SECRET` holds several secrets. */
  isSplit: boolean
}

/** Every option that an environment variable can set. */
export const VARIABLES = {
  domain: 'AUTH0_DOMAIN',
  clientId: 'AUTH0_CLIENT_ID',
  clientSecret: 'AUTH0_CLIENT_SECRET',
  redis: 'REDIS_URL',
  'session.secret': 'SESSION_SECRET',
} as const

type FromEnvironment = keyof typeof VARIABLES

const FROM_ENVIRONMENT = Object.keys(VARIABLES) as FromEnvironment[]

/** Trims all values, because mounted secrets often end with a newline. */
export function gather(written: object, env: Env): Gathered {
  let options = FROM_ENVIRONMENT.reduce(withTrimmed, withoutUndefined(written))
  const variables = new Map<string, string>()
  for (const option of FROM_ENVIRONMENT) {
    const variable = VARIABLES[option]
    const value = env[variable]?.trim()
    if (!value || !isOpen(options, option, value)) continue
    options = withValue(options, option, value)
    variables.set(option, variable)
  }
  return split({ options, variables, isSplit: false })
}

/** True if the option is missing, or if the caller passed the value of the variable. */
function isOpen(options: Record<string, unknown>, option: FromEnvironment, value: string): boolean {
  if (option === 'clientSecret' && options.clientAuth !== undefined) return false
  if (option === 'session.secret' && options.session !== undefined && !isPlain(options.session)) return false
  const given = valueAt(options, option)
  return given === undefined || given === value
}

function withTrimmed(options: Record<string, unknown>, option: FromEnvironment): Record<string, unknown> {
  const given = valueAt(options, option)
  const trimmed = Array.isArray(given) ? given.map(trim) : trim(given)
  return given === undefined ? options : withValue(options, option, trimmed)
}

const trim = (value: unknown): unknown => (typeof value === 'string' ? value.trim() : value)

/** Splits `SESSION_SECRET` into secrets, unless it is quoted, which validation reports. */
function split(gathered: Gathered): Gathered {
  const secret = valueAt(gathered.options, 'session.secret')
  if (!gathered.variables.has('session.secret') || typeof secret !== 'string') return gathered
  const secrets = secret.split(/[\s,]+/).filter(Boolean)
  if (secrets.length < 2 || /^(["']).*\1$/s.test(secret)) return gathered
  return { ...gathered, options: withValue(gathered.options, 'session.secret', secrets), isSplit: true }
}

/** Options with nested options. Other objects, such as clients and loggers, are not copied. */
const HOLDERS = new Set([
  ...['session', 'remembered', 'cookie', 'timeouts', 'redis'],
  ...['rateLimit', 'subnet', 'attempts', 'account', 'mfa', 'signup', 'reset'],
])

function withoutUndefined(written: object): Record<string, unknown> {
  const members = Object.entries(defined(written as Record<string, unknown>))
  return Object.fromEntries(
    members.map(([key, value]) => [key, HOLDERS.has(key) && isPlain(value) ? withoutUndefined(value) : value]),
  )
}
