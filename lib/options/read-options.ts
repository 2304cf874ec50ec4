import { ConfigurationError } from '../errors.js'
import type { RopgAuthOptions, SessionOptions } from './options.js'
import { explainIssue } from './option-problem.js'
import { optionsSchema } from './schema.js'

export type Env = Readonly<Record<string, string | undefined>>

/** Options that have all that nobody can do without. */
export type CompleteOptions = RopgAuthOptions & {
  domain: string
  clientId: string
  session: SessionOptions & { secret: NonNullable<SessionOptions['secret']> }
}

/** What the caller wrote, its shape checked, with what the environment fills in. */
export function readOptions(written: RopgAuthOptions, env: Env): CompleteOptions {
  const options = withEnvironment(checkShape(written), env)
  const missing = REQUIRED.filter(({ isGiven }) => !isGiven(options))
  if (missing.length === 0) return options as CompleteOptions
  const sentences = missing.map(({ option, variable }) => `${option} is required: pass it, or set ${variable}`)
  throw new ConfigurationError(sentences.join('; '))
}

interface Requirement {
  option: string
  variable: string
  isGiven: (options: RopgAuthOptions) => boolean
}

const REQUIRED: readonly Requirement[] = [
  { option: 'domain', variable: 'AUTH0_DOMAIN', isGiven: ({ domain }) => domain !== undefined },
  { option: 'clientId', variable: 'AUTH0_CLIENT_ID', isGiven: ({ clientId }) => clientId !== undefined },
  {
    option: 'clientSecret',
    variable: 'AUTH0_CLIENT_SECRET',
    isGiven: ({ clientSecret, clientAuth }) => (clientSecret ?? clientAuth) !== undefined,
  },
  { option: 'session.secret', variable: 'SESSION_SECRET', isGiven: ({ session }) => session?.secret !== undefined },
]

function checkShape(written: RopgAuthOptions): RopgAuthOptions {
  const result = optionsSchema.safeParse(withoutUndefined(written))
  if (result.success) return result.data as RopgAuthOptions
  throw new ConfigurationError(result.error.issues.map(explainIssue).join('; '))
}

/** Options that hold options; what else is an object (a client, a logger) is left as it is. */
const NESTED = new Set(['session', 'remembered', 'cookie', 'rateLimit', 'subnet', 'timeouts'])

/** A key without a value asks for nothing, whatever its name. */
function withoutUndefined(written: unknown): unknown {
  if (typeof written !== 'object' || written === null || Array.isArray(written)) return written
  const given = Object.entries(written).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([key, value]) => [key, NESTED.has(key) ? withoutUndefined(value) : value]))
}

function withEnvironment(options: RopgAuthOptions, env: Env): RopgAuthOptions {
  const fallback: RopgAuthOptions = {
    ...(env.AUTH0_DOMAIN && { domain: env.AUTH0_DOMAIN }),
    ...(env.AUTH0_CLIENT_ID && { clientId: env.AUTH0_CLIENT_ID }),
    ...(env.AUTH0_CLIENT_SECRET && !options.clientAuth && { clientSecret: env.AUTH0_CLIENT_SECRET }),
    ...(env.REDIS_URL && { redis: env.REDIS_URL }),
  }
  const secret = options.session?.secret ?? env.SESSION_SECRET
  // Once more, because a value from the environment has not been looked at yet.
  return checkShape({ ...fallback, ...options, session: { ...options.session, ...(secret && { secret }) } })
}
