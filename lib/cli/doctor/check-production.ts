import { ConfigurationError } from '../../errors.js'
import type { Env } from '../../options/environment.js'
import type { Config, RopgAuthOptions } from '../../options/options.js'
import { resolveOptions } from '../../options/resolve-options.js'
import { fault, note, ok, type Finding } from './finding.js'
import { problemsOf } from './problems-of.js'

const PRODUCTION = { check: 'production', setting: 'NODE_ENV' }
const SECRET = { check: 'session secret', setting: 'option session.secret (SESSION_SECRET)' }
const HTTPS = { check: 'HTTPS', setting: 'option requireHttps' }
const COOKIE = { check: 'cookie', setting: 'option session.cookie' }
const BASE_URL = { check: 'base URL', setting: 'option interactive.baseUrl' }

/** Returns faults in production. Elsewhere, returns notes about what would be a fault in production. */
export function checkProduction(options: RopgAuthOptions, config: Config, env: Env): Finding[] {
  if (env.NODE_ENV === 'production') return judge(config, fault)
  const { config: there, refused } = inProduction(options, env)
  const accepted = ok(PRODUCTION, 'these options are also valid with NODE_ENV=production')
  return [
    ...(there ? judge(there, note) : [checkSecret(config, note)]),
    ...refused.map((problem) => note(PRODUCTION, `refused with NODE_ENV=production: ${problem}`)),
    ...(refused.length === 0 ? [accepted] : []),
  ]
}

type Say = typeof fault

function judge(config: Config, say: Say): Finding[] {
  const { requireHttps, session } = config
  const https = requireHttps
    ? ok(HTTPS, 'required')
    : say(HTTPS, 'passwords are accepted over plain HTTP: remove requireHttps, or set it to true')
  const cookie = session.cookie.secure === true ? ok(COOKIE, 'Secure and HttpOnly') : say(COOKIE, INSECURE)
  return [checkSecret(config, say), https, cookie, ...checkBaseUrl(config, say)]
}

const INSECURE = 'is also sent over plain HTTP: remove session.cookie.secure, or set it to true'

function inProduction(options: RopgAuthOptions, env: Env): { config?: Config; refused: string[] } {
  try {
    const config = resolveOptions({ ...options, logger: false }, {}, { ...env, NODE_ENV: 'production' })
    return { config, refused: [] }
  } catch (err) {
    if (err instanceof ConfigurationError) return { refused: problemsOf(err) }
    throw err
  }
}

function checkSecret(config: Config, say: Say): Finding {
  const problem = secretProblem(config)
  return problem === undefined ? ok(SECRET, 'looks random') : say(SECRET, problem)
}

/** Random base64 or hex strings of 32 characters practically always contain this many distinct characters. */
const LEAST_VARIETY = 9

function secretProblem({ session, clientSecret }: Config): string | undefined {
  const { secrets } = session
  const remedy = 'use the output of openssl rand -base64 48'
  if (secrets.some((secret) => secret === clientSecret)) return `is the client secret: ${remedy}`
  if (secrets.some((secret) => new Set(secret).size < LEAST_VARIETY))
    return `has too few different characters: ${remedy}`
  const isPlaceholder = secrets.some((secret) => /change.?me|your.?(session.?)?secret|openssl.?rand/i.test(secret))
  return isPlaceholder ? `is still a placeholder: ${remedy}` : undefined
}

function checkBaseUrl({ interactive, session }: Config, say: Say): Finding[] {
  if (!interactive) return []
  const { protocol, hostname } = new URL(interactive.origin)
  const { domain } = session.cookie
  if (domain && !`.${hostname}`.endsWith(`.${domain.replace(/^\./, '')}`)) {
    return [
      fault(COOKIE, 'its domain does not match interactive.baseUrl, so browsers drop it: remove session.cookie.domain'),
    ]
  }
  return [
    protocol === 'https:'
      ? ok(BASE_URL, 'uses HTTPS')
      : say(BASE_URL, 'uses http:, but browsers need https: set interactive.baseUrl to the https: URL of your app'),
  ]
}
