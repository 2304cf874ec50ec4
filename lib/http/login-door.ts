import type { Request } from 'express'
import { AuthError } from '../errors.js'
import type { Hint, Report } from '../events.js'
import type { SignedIn } from '../flows/open-session.js'
import type { Credentials, SignIn } from '../flows/sign-in.js'
import { nameOf } from '../flows/user-name.js'
import type { Config } from '../options/options.js'
import type { Sessions } from '../session/sessions.js'
import type { Seal } from '../session/seal.js'
import { createShared } from './shared-login.js'
import type { Exchange, Limits } from './guards/limits.js'
import { placeOf } from './place.js'
import { whoAsks } from './who-asks.js'

export interface LoginDoorParts {
  config: Config
  signIn: SignIn
  limits: Limits
  /** The clock of the store. */
  now: Sessions['now']
  seal: Seal
  report: Report
  hint: Hint
}

/** A login with rate limits, for both `POST /login` and `auth.login`. Rejects with an `AuthError`. */
export type LoginDoor = (exchange: Exchange, credentials: Credentials) => Promise<SignedIn>

export function createLoginDoor(parts: LoginDoorParts): LoginDoor {
  const { config, signIn, limits, now, hint } = parts
  const share = createShared(parts.seal)

  return (exchange, credentials) => {
    const { req } = exchange
    const place = placeOf(req, config, hint)
    return share(req, credentials, async (isAwaited) => {
      const started = config.clock()
      // Contacts the store first, so that no password is sent to Auth0 while the store is down.
      const since = now()
      since.catch(() => undefined)
      const attempt = await limits.login(exchange, credentials.username).catch((err: unknown) => {
        throw refused(parts, { req, credentials, started, err })
      })
      const signedIn = await signIn({ ...place, isAwaited, since }, credentials, whoAsks(req)).catch((err: unknown) => {
        attempt.settle(err)
        throw err
      })
      attempt.settle(undefined)
      return signedIn
    })
  }
}

interface Refused {
  req: Request
  credentials: Credentials
  started: number
  err: unknown
}

function refused({ report, ...parts }: LoginDoorParts, { req, credentials, started, err }: Refused): unknown {
  if (!(err instanceof AuthError) || err.code !== 'rate_limited') return err
  const { code, detail } = err
  const facts = { ...whoAsks(req), ...nameOf(credentials, parts, true), durationMs: parts.config.clock() - started }
  report({ name: 'login.rate_limited', code, detail, ...facts }, err)
  return err
}
