import type { Config } from './options.js'
import type { Problem } from './problem.js'
import type { CookieOptions } from './session-options.js'

type Cookie = Config['session']['cookie']

/** Fills in defaults, as strict as the environment and the given attributes allow. */
export function cookieOf(written: CookieOptions, production: boolean): Cookie {
  const { path = '/', domain, sameSite = 'lax', secure = production ? true : 'auto' } = written
  const name = written.name ?? (secure === true ? (path === '/' && !domain ? '__Host-auth' : '__Secure-auth') : 'auth')
  return Object.freeze({ name, path, domain, sameSite, secure })
}

/** Combinations that browsers reject. */
export function cookieProblems(written: CookieOptions, production: boolean): Problem[] {
  return [nameProblem, sameSiteProblem].flatMap((find) => find(cookieOf(written, production)) ?? [])
}

function nameProblem({ name, path, domain, secure }: Cookie): Problem | undefined {
  const option = 'session.cookie.name'
  if (name.startsWith('__Host-') && !(path === '/' && !domain && secure === true)) {
    const needs =
      'which browsers accept only with secure: true, path / and no domain: change those attributes or the name'
    return { option, text: `${option} starts with __Host-, ${needs}` }
  }
  if (name.startsWith('__Secure-') && secure !== true) {
    const needs = 'which browsers accept only with secure: true: set it to true, or change the name'
    return { option, text: `${option} starts with __Secure-, ${needs}` }
  }
  return undefined
}

function sameSiteProblem({ sameSite, secure }: Cookie): Problem | undefined {
  if (sameSite !== 'none' || secure === true) return undefined
  const option = 'session.cookie.sameSite'
  const text = `${option} is 'none', which browsers accept only with secure: true: set session.cookie.secure to true`
  return { option, text }
}
