import { cookieProblems } from './cookie.js'
import { VARIABLES, type Env } from './environment.js'
import { lifetimeProblems } from './lifetimes.js'
import type { RopgAuthOptions } from './options.js'
import { valueAt } from './plain-object.js'
import type { Problem } from './problem.js'

/** Missing options, and valid options that contradict each other. */
export function ruleProblems(options: RopgAuthOptions, env: Env): Problem[] {
  const production = env.NODE_ENV === 'production'
  const { session = {} } = options
  return [
    ...missing(options, env),
    ...clientProblems(options),
    ...lifetimeProblems(session),
    ...cookieProblems(session.cookie ?? {}, production),
    ...(production ? productionProblems(options, env) : []),
  ]
}

function missing(options: RopgAuthOptions, env: Env): Problem[] {
  const required = ['domain', 'clientId', 'clientSecret', 'session.secret'] as const
  return required
    .filter((option) => valueAt(options, option) === undefined)
    .filter((option) => option !== 'clientSecret' || !options.clientAuth)
    .map((option) => ({ option, text: `${option} is required${remedyFor(option, env)}` }))
}

function remedyFor(option: keyof typeof VARIABLES, env: Env): string {
  const variable = VARIABLES[option]
  const orClientAuth = option === 'clientSecret' ? ', or pass clientAuth' : ''
  return env[variable] === undefined
    ? `: pass it, or set ${variable}${orClientAuth}${option === 'domain' ? FROM_FILE : ''}`
    : `, but ${variable} is empty: give the variable a value, or pass the option${orClientAuth}`
}

/** Nothing in Node reads the file by itself. */
const FROM_FILE = ' (to load a .env file, start Node with --env-file=.env)'

function clientProblems({ clientSecret, clientAuth, idTokenSigningAlg }: RopgAuthOptions): Problem[] {
  if (!clientAuth) return []
  const problems: Problem[] = []
  if (clientSecret) {
    const text = 'clientSecret and clientAuth are both set: remove one of them'
    problems.push({ option: 'clientSecret', text })
  }
  if (idTokenSigningAlg === 'HS256' && !clientSecret) {
    const text =
      "idTokenSigningAlg is 'HS256', which requires clientSecret, but only clientAuth is set: " +
      'pass clientSecret instead, or switch the Auth0 application to RS256'
    problems.push({ option: 'idTokenSigningAlg', text })
  }
  return problems
}

function productionProblems({ redis, clock }: RopgAuthOptions, env: Env): Problem[] {
  const problems: Problem[] = []
  if (redis === undefined) {
    const why = 'the in-process store loses all sessions on restart and is not shared between processes'
    const text = `redis is required in production (NODE_ENV)${remedyFor('redis', env)}; ${why}`
    problems.push({ option: 'redis', text })
  }
  if (clock) {
    const text = 'clock is a test clock, which is not allowed in production (NODE_ENV): remove it'
    problems.push({ option: 'clock', text })
  }
  return problems
}
