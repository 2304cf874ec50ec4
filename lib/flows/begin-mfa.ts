import { AuthError, type MfaRequiredError } from '../errors.js'
import type { Hint } from '../events.js'
import type { Config } from '../options/options.js'
import type { MfaLogin, MfaLogins } from '../pending/mfa-logins.js'
import type { TokenOwner } from './refresh-tokens.js'
import type { Wanted } from './token-choice.js'

export interface BeginMfaParts {
  config: Config
  logins: MfaLogins
  newId: () => string
  hint: Hint
}

/** What is stored about a login that requires a second factor. */
export type Asked = Pick<MfaLogin, 'username' | 'resemblesPassword' | 'scope' | 'audience' | 'remember' | 'since'>

/** Error -> id of the pre-login session, for the cookie that the route sets. */
const begun = new WeakMap<AuthError, string>()

export function pendingIdOf(err: unknown): string | undefined {
  return err instanceof AuthError ? begun.get(err) : undefined
}

/** Stores the login for `mfa: 'api'`. Resolves to the error to respond with. */
export async function beginLogin({ config, logins, newId, hint }: BeginMfaParts, err: MfaRequiredError, asked: Asked) {
  const { mfaToken, requirements } = err
  if (config.mfa !== 'api' && !config.interactive && config.loginUrl === undefined) hint('mfa', NO_WAY_ON)
  if (config.mfa !== 'api' || mfaToken === undefined) return err
  const id = newId()
  await logins.begin(id, { ...asked, mfaToken })
  begun.set(err, id)
  Object.assign(err.body, { mfa: requirements })
  return err
}

const NO_WAY_ON =
  "a user needs a second factor and has no way to enter it: set mfa to 'api' for a form of your own, or turn on the " +
  'interactive option, or set loginUrl'

interface WaitingRefresh {
  owner: TokenOwner
  wanted: Wanted
}

/** Like `beginLogin`, for the refresh of a session. The session cookie identifies it. */
export async function beginForSession(
  parts: Pick<BeginMfaParts, 'config' | 'logins'>,
  err: MfaRequiredError,
  { owner, wanted }: WaitingRefresh,
) {
  const { config, logins } = parts
  const { mfaToken, requirements } = err
  if (config.mfa !== 'api' || mfaToken === undefined) return err
  const { user, sub, since } = owner.login
  const username = typeof user.email === 'string' ? user.email : sub
  const { audience = config.audience, scope = owner.login.scope } = wanted
  const asked = { username, scope, audience, remember: false, since, wanted }
  // Keeps an earlier challenge, because the user may be entering its code.
  if (!(await logins.find(owner.id))) await logins.begin(owner.id, { ...asked, mfaToken, sessionId: owner.id })
  Object.assign(err.body, { mfa: requirements })
  return err
}
