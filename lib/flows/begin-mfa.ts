import { AuthError, type MfaRequiredError } from '../errors.js'
import type { Config } from '../options/options.js'
import type { MfaLogin, MfaLogins } from '../pending/mfa-logins.js'
import type { TokenOwner } from './refresh-tokens.js'
import type { Wanted } from './token-choice.js'

export interface BeginMfaParts {
  config: Config
  logins: MfaLogins
  newId: () => string
}

/** What is kept of the login that requires a second factor. */
export type Asked = Pick<MfaLogin, 'username' | 'resemblesPassword' | 'scope' | 'audience' | 'remember' | 'since'>

/** Ids of the pre-login sessions that errors began; the route sets their cookie. */
const begun = new WeakMap<AuthError, string>()

export function pendingIdOf(err: unknown): string | undefined {
  return err instanceof AuthError ? begun.get(err) : undefined
}

/** Resolves to the error to answer with. */
export async function beginLogin({ config, logins, newId }: BeginMfaParts, err: MfaRequiredError, asked: Asked) {
  const { mfaToken, requirements } = err
  if (config.mfa !== 'api' || mfaToken === undefined) return err
  const id = newId()
  await logins.begin(id, { ...asked, mfaToken })
  begun.set(err, id)
  Object.assign(err.body, { mfa: requirements })
  return err
}

interface WaitingRefresh {
  owner: TokenOwner
  wanted: Wanted
}

/** The same for a session, whose own cookie names it. */
export async function beginForSession(
  parts: Omit<BeginMfaParts, 'newId'>,
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
  // The user may be typing the code of an earlier request's challenge.
  if (!(await logins.find(owner.id))) await logins.begin(owner.id, { ...asked, mfaToken, sessionId: owner.id })
  Object.assign(err.body, { mfa: requirements })
  return err
}
