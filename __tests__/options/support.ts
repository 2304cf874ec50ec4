import { ConfigurationError, type RopgAuthOptions } from '../../lib/index.ts'
import { resolveOptions } from '../../lib/options/resolve-options.ts'

export const DAY = 86_400
export const secret = 'a secret that is used in tests only'
export const tenant = { domain: 'tenant.eu.auth0.com', clientId: 'client', clientSecret: 'client secret' }
export const complete = { ...tenant, session: { secret } }
export const environment = {
  AUTH0_DOMAIN: 'env.eu.auth0.com',
  AUTH0_CLIENT_ID: 'client of the environment',
  AUTH0_CLIENT_SECRET: 'secret of the environment',
  SESSION_SECRET: 'session-secret-of-the-environment',
}
export const production = { NODE_ENV: 'production' }
export const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }

type Env = Record<string, string | undefined>

/** Accepts any options, like JavaScript callers. */
export function resolve(options: unknown, env: Env = {}) {
  return resolveOptions(options as RopgAuthOptions, {}, env)
}

/** The error that these options cause. */
export function errorFor(options: unknown, env: Env = {}): ConfigurationError {
  try {
    resolve(options, env)
  } catch (err) {
    if (err instanceof ConfigurationError) return err
    throw err
  }
  throw new Error('the options were accepted')
}

/** The error message for valid options with these added. */
export const messageFor = (wrong: object, env: Env = {}) => errorFor({ ...complete, ...wrong }, env).message

/** The error message for valid options with these session options added. */
export const messageForSession = (wrong: object, env: Env = {}) => messageFor({ session: { secret, ...wrong } }, env)

/** The problems that the message lists, without bullets. */
export function problemsIn({ message }: Error): string[] {
  return message.includes('\n') ? message.split('\n  - ').slice(1) : [message]
}

/** Valid options with `value` at a path. */
export function optionsWith(path: string, value: unknown): object {
  const [first = '', ...rest] = path.split('.')
  const inner = rest.reduceRight((nested, key) => ({ [key]: nested }), value)
  const beside = first === 'session' && rest.length > 0 ? { secret } : {}
  return { ...complete, [first]: rest.length > 0 ? { ...beside, ...(inner as object) } : inner }
}
