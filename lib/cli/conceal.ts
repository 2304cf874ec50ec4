import type { Env } from '../options/environment.js'
import type { RopgAuthOptions } from '../options/options.js'

const SECRET_VARIABLES = ['AUTH0_CLIENT_SECRET', 'SESSION_SECRET', 'REDIS_URL', 'DOCTOR_PASSWORD', 'DOCTOR_USERNAME']

/** Removes secrets from the output of checks. */
export function concealing(options: RopgAuthOptions, env: Env): (text: string) => string {
  const { clientSecret, session, redis } = options
  const written = [clientSecret, session?.secret, redis, ...SECRET_VARIABLES.map((name) => env[name])].flat()
  const texts = written.filter((value): value is string => typeof value === 'string').flatMap(partsOf)
  // Longest first, because one secret may contain another.
  const secrets = [...new Set(texts)].filter((text) => text.length >= 6).sort((a, b) => b.length - a.length)
  return (text) => secrets.reduce((rest, secret) => rest.replaceAll(secret, '[concealed]'), text)
}

/** The items of a list, or the password of a URL. */
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
