import cluster from 'node:cluster'
import type { Env } from './environment.js'
import { raisedLifetimes } from './lifetimes.js'
import type { Problem } from './problem.js'
import type { CompleteOptions } from './read-options.js'

/** Options that are accepted but likely to cause trouble. */
export function warningsFor(options: CompleteOptions, env: Env): Problem[] {
  return [
    ...raisedLifetimes(options.session),
    ...secretWarnings(options),
    ...storeWarnings(options, env),
    ...variableWarnings(options, env),
  ]
}

const REPLACE = 'generate one with openssl rand -base64 48'

function secretWarnings({ session, clientSecret }: CompleteOptions): Problem[] {
  const secrets = [session.secret].flat()
  const texts = [
    ...(secrets.some(isTrivial) ? [`can be guessed (a placeholder or a repeated pattern): ${REPLACE}`] : []),
    ...(new Set(secrets).size < secrets.length ? ['contains the same secret twice: remove one of them'] : []),
    ...(secrets.some((secret) => secret === clientSecret)
      ? [`is the same as clientSecret, so leaking one leaks both: ${REPLACE}`]
      : []),
  ]
  return texts.map((text) => ({ option: 'session.secret', text: `session.secret ${text}` }))
}

const PLACEHOLDER = /change[-_ ]?(me|this)|keyboard[-_ ]cat|your[-_ ](super[-_ ])?(session[-_ ])?secret|^0?123456789/i

/** A random secret of 32 characters has more different characters. */
const FEW = 8

function isTrivial(secret: string): boolean {
  return new Set(secret).size < FEW || /^(.{1,16}?)\1+$/s.test(secret) || PLACEHOLDER.test(secret)
}

function storeWarnings({ redis }: CompleteOptions, env: Env): Problem[] {
  if (redis !== undefined || !isOneOfSeveral(env)) return []
  const text =
    'redis is not set, but this process is one of several (a cluster worker or a PM2 instance), each with its own ' +
    'sessions, so users will be logged out at random: set redis or REDIS_URL, or run a single process'
  return [{ option: 'redis', text }]
}

/** Variables that other Auth0 packages read. */
const NOT_READ = { audience: 'AUTH0_AUDIENCE', realm: 'AUTH0_REALM', scope: 'AUTH0_SCOPE' } as const

function variableWarnings(options: CompleteOptions, env: Env): Problem[] {
  return (['audience', 'realm', 'scope'] as const)
    .filter((option) => env[NOT_READ[option]] && options[option] === undefined)
    .map((option) => {
      const variable = NOT_READ[option]
      return { option, text: `${variable} has no effect: pass the option ${option}: process.env.${variable}` }
    })
}

/** PM2 numbers its instances, and in cluster mode also sets `instances`. */
function isOneOfSeveral({ NODE_APP_INSTANCE: number, instances }: Env): boolean {
  return cluster.isWorker || Number(number) > 0 || Number(instances) > 1
}
