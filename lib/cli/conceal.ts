import type { Env } from '../options/environment.js'
import type { RopgAuthOptions } from '../options/options.js'

const SECRET_VARIABLES = ['AUTH0_CLIENT_SECRET', 'SESSION_SECRET', 'REDIS_URL', 'DOCTOR_PASSWORD', 'DOCTOR_USERNAME']

/** Whatever a check says: secrets never reach the output. */
export function concealing(options: RopgAuthOptions, env: Env): (text: string) => string {
  const { clientSecret, session, redis } = options
  const written = [clientSecret, session?.secret, redis, ...SECRET_VARIABLES.map((name) => env[name])].flat()
  const texts = written.filter((value): value is string => typeof value === 'string').flatMap(partsOf)
  // The longest first, so that none is left of one that holds another.
  const secrets = [...new Set(texts)].filter((text) => text.length >= 6).sort((a, b) => b.length - a.length)
  return (text) => secrets.reduce((rest, secret) => rest.replaceAll(secret, '[concealed]'), text)
}

/** A list of secrets by its items, a URL by its password. */
function partsOf(value: string): string[] {
  if (!value.includes('://')) return [value, ...value.split(/[\s,]+/)]
  if (!URL.canParse(value)) return [value]
  const { password } = new URL(value)
  return [password, decodedOf(password)]
}

function decodedOf(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
