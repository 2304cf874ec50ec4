import { refusal, refusalSaying } from './refusal.js'
import type { StoredUser } from './types.js'

/** Auth0 treats every password that begins so as breached. */
const BREACHED_PREFIX = 'AUTH0-TEST-'

/** What may still stand between the right password and a second factor, in Auth0's order. */
export function checkUser(user: StoredUser, password: string): void {
  if (user.leaked || password.startsWith(BREACHED_PREFIX)) throw refusal('passwordLeaked')
  if (user.blocked) throw refusal('userBlocked')
  if (user.passwordExpired) throw refusal('passwordExpired')
  if (user.passwordChangeRequired) throw refusal('passwordChangeRequired')
  checkActions(user)
}

/** Post-login Actions and Rules: they run on a refresh, too. */
export function checkActions(user: StoredUser): void {
  if (user.denied !== undefined) throw refusalSaying(403, 'access_denied', user.denied)
  if (user.ruleError !== undefined) throw refusalSaying(403, 'unauthorized', user.ruleError)
  if (user.interactionRequired) throw refusal('interactionRequired')
}
