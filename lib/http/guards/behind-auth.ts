import type { IncomingMessage } from 'node:http'
import { AuthError, ConfigurationError } from '../../errors.js'
import type { Login } from '../../session/login.js'
import type { GuardBehindAuth } from '../guard-types.js'
import { currentAuth, isOwnAuth, liveBehind, type AuthParts } from '../request-auth.js'
import type { SendError } from '../send-error.js'
import type { RequestAuth } from '../types.js'

/** Input of a guard's check. */
export interface Checked {
  auth: RequestAuth
  login: Login
}

/** What every guard needs. */
export interface GuardTools {
  sendError: SendError
  auth: AuthParts
}

export interface GuardParts extends GuardTools {
  /** Name in the public API, for messages. */
  name: string
  /** Returns the error to respond with, or undefined to let the request pass. */
  check: (checked: Checked) => Verdict | Promise<Verdict>
}

type Verdict = AuthError | undefined

/** A guard that requires `requireAuth` of its instance. Otherwise, it responds with 500 `configuration_error`. */
export function guardBehindAuth({ name, sendError, auth: parts, check }: GuardParts): GuardBehindAuth {
  const guard = (req: IncomingMessage & { auth?: RequestAuth }, res: unknown, next: (err?: unknown) => void) => {
    const auth = currentAuth(req, parts)
    const login = auth && liveBehind(auth)?.login
    const fail = (err: unknown) => {
      sendError(err, { req, res, next })
    }
    const answer = (problem: Verdict) => {
      if (problem) fail(problem)
      else next()
    }
    let verdict: Verdict | Promise<Verdict>
    try {
      verdict = auth && login ? check({ auth, login }) : isOwnAuth(req, parts) ? ended() : missing(name)
    } catch (err) {
      fail(err)
      return
    }
    if (verdict instanceof Promise) verdict.then(answer, fail)
    else answer(verdict)
  }
  return Object.defineProperty(guard, 'name', { value: name }) as unknown as GuardBehindAuth
}

const ended = () => new AuthError('session_expired')

function missing(name: string): ConfigurationError {
  return new ConfigurationError(
    `${name} must come after requireAuth: app.get(path, auth.requireAuth, auth.${name}(...))`,
    {},
  )
}

/** The names passed to a guard, at least one. `what` and `example` are for messages. */
export function namesOf(written: readonly unknown[], what: string, example: string): string[] {
  const names = written.flat()
  if (!names.every((name) => typeof name === 'string'))
    throw new ConfigurationError(`${what} must be strings: ${example}`)
  const wanted = names.flatMap((name) => name.split(/\s+/)).filter(Boolean)
  if (wanted.length === 0) throw new ConfigurationError(`${what} are missing: ${example}`)
  return wanted
}

/** Wraps a guard factory to detect that the factory itself is used as middleware. */
export function factory<Make extends (...args: never[]) => GuardBehindAuth>(
  make: Make,
  { example, sendError }: { example: string; sendError: SendError },
): Make {
  const guarded = (...args: unknown[]): unknown => {
    const [req, res, next] = args
    if (typeof next !== 'function' || args.length !== 3 || !(Object(req) as Partial<IncomingMessage>).headers) {
      return make(...(args as never[]))
    }
    const misused = new ConfigurationError(`${example.split('(')[0] ?? ''} creates a guard: write ${example}`, {})
    sendError(misused, { req: req as IncomingMessage, res, next: next as (err?: unknown) => void })
    return undefined
  }
  return guarded as unknown as Make
}
