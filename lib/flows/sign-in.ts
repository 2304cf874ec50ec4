import { passwordGrant, type PasswordGrantParts } from '../auth0/password-grant.js'
import { AuthError, MfaRequiredError } from '../errors.js'
import type { Report } from '../events.js'
import { traced } from '../telemetry.js'
import type { Config } from '../options/options.js'
import type { Place } from '../session/establish.js'
import type { Seal } from '../session/seal.js'
import { withOfflineAccess, type OpenSession, type SignedIn } from './open-session.js'
import type { MfaFlow } from './mfa.js'
import { checkAwaited } from './check-awaited.js'
import { resemblesPassword } from '../typed-name.js'
import { nameOf } from './user-name.js'
import type { WhoAsks } from './who-asks.js'

/** Validated input of a login. */
export interface Credentials {
  username: string
  password: string
  /** Requests a refresh token and extends the session lifetime. */
  rememberMe?: boolean | undefined
  realm?: string | undefined
}

export interface SignInParts {
  config: Config
  password: PasswordGrantParts
  seal: Seal
  report: Report
  openSession: OpenSession
  mfa: MfaFlow
}

/** Where a login happens, and when it began in milliseconds on the clock of the store. */
export type LoginPlace = Place & { since: Promise<number> }

export type SignIn = (place: LoginPlace, credentials: Credentials, who: WhoAsks) => Promise<SignedIn>

/** A password login: gets a grant, opens a session, and reports the outcome as an event. */
export function createSignIn(parts: SignInParts): SignIn {
  const { config, report } = parts

  return async (place, credentials, who) => {
    const started = config.clock()
    const facts = (failed: boolean) => ({
      ...who,
      ...nameOf(credentials, parts, failed),
      durationMs: config.clock() - started,
    })
    try {
      const signedIn = await traced('auth.login', () => logIn(parts, place, { credentials, who }))
      const { sub, handle } = signedIn.login
      report({ name: 'login.succeeded', sub, sessionId: handle, ...facts(false) })
      return signedIn
    } catch (err) {
      const { code, auth0, detail } = err instanceof AuthError ? err : new AuthError('internal_error')
      const name = code === 'mfa_required' ? 'mfa.required' : 'login.failed'
      report({ name, code, ...(auth0 && { auth0 }), detail, ...facts(name === 'login.failed') }, err)
      throw err
    }
  }
}

async function logIn(
  { config, password: grantParts, openSession, mfa }: SignInParts,
  place: LoginPlace,
  { credentials, who }: { credentials: Credentials; who: WhoAsks },
): Promise<SignedIn> {
  const { username, password, realm, rememberMe = false } = credentials
  const since = await place.since
  checkAwaited(place)
  const wanted = rememberMe ? withOfflineAccess(config.scope) : config.scope
  try {
    const grant = await passwordGrant(grantParts, {
      username,
      password,
      scope: wanted,
      ...(realm !== undefined && { realm }),
      ...(who.ip !== undefined && { auth0ForwardedFor: who.ip }),
    })
    return await openSession(place, { grant, wanted, remember: rememberMe, who, since })
  } catch (err) {
    if (!(err instanceof MfaRequiredError)) throw err
    const typed = { username, resemblesPassword: resemblesPassword(credentials) }
    throw await mfa.begin(err, { ...typed, scope: wanted, audience: config.audience, remember: rememberMe, since })
  }
}
