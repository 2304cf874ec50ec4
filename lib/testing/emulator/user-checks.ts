import { refusal, refusalSaying } from './refusal.js'
import type { StoredUser } from './types.js'

/** Auth0 treats every password with this prefix as breached. */
const BREACHED_PREFIX = 'AUTH0-TEST-'

/** Checks between the correct password and the second factor, in Auth0's order. */
export function checkUser(user: StoredUser, password: string): void {
  if (user.leaked || password.startsWith(BREACHED_PREFIX)) throw refusal('passwordLeaked')
  if (user.blocked) throw refusal('userBlocked')
  if (user.passwordExpired) throw refusal('passwordExpired')
  if (user.passwordChangeRequired) throw refusal('passwordChangeRequired')
  checkActions(user)
}

/** Post-login Actions and Rules, which also run on refresh. */
export function checkActions(user: StoredUser): void {
  if (user.denied !== undefined) throw refusalSaying(403, 'access_denied', user.denied)
  if (user.ruleError !== undefined) throw refusalSaying(403, 'unauthorized', user.ruleError)
  if (user.interactionRequired) throw refusal('interactionRequired')
}
