import { randomBytes } from 'node:crypto'
import { Refusal, refusal, refusalSaying } from './refusal.js'
import type { StoredUser } from './types.js'

/** Auth0 treats every password that begins so as breached. */
const BREACHED_PREFIX = 'AUTH0-TEST-'

/** What may still stand between the right password and a token, in Auth0's order. */
export function checkUser(user: StoredUser, password: string): void {
  if (user.leaked || password.startsWith(BREACHED_PREFIX)) throw refusal('passwordLeaked')
  if (user.blocked) throw refusal('userBlocked')
  if (user.passwordExpired) throw refusal('passwordExpired')
  if (user.passwordChangeRequired) throw refusal('passwordChangeRequired')
  checkActions(user)
  if (user.mfa) throw mfaRequired(user.mfa)
}

/** Post-login Actions and Rules: they run on a refresh, too. */
export function checkActions(user: StoredUser): void {
  if (user.denied !== undefined) throw refusalSaying(403, 'access_denied', user.denied)
  if (user.ruleError !== undefined) throw refusalSaying(403, 'unauthorized', user.ruleError)
  if (user.interactionRequired) throw refusal('interactionRequired')
}

function mfaRequired(mfa: true | { requirements: unknown }): Refusal {
  return new Refusal(403, {
    error: 'mfa_required',
    error_description: 'Multifactor authentication required',
    mfa_token: `Fe26.2*${randomBytes(48).toString('base64url')}`,
    ...(mfa === true ? {} : { mfa_requirements: mfa.requirements }),
  })
}
