import { permissionsOf, profileOf, type Grant } from '../auth0/token-response.js'
import type { Config } from '../options/options.js'
import type { Login } from '../session/login.js'
import type { Wanted } from './token-choice.js'

export interface News {
  grant: Grant
  wanted: Wanted
  suited: boolean
  config: Config
}

/** The login with the claims and scopes of the new tokens. Undefined if nothing changed. */
export function renewedLogin(login: Login, { grant, wanted, suited, config }: News): Login | undefined {
  // An ID token for fewer scopes has fewer claims.
  const claims = wanted.scope === undefined ? grant.claims : undefined
  const isOwn = suited && wanted.scope === undefined && (wanted.audience ?? config.audience) === config.audience
  const now: Login = {
    ...login,
    ...(claims && { user: profileOf(claims) }),
    ...(isOwn && { scope: grant.scope, permissions: permissionsOf(grant.accessToken) }),
  }
  return JSON.stringify(now) === JSON.stringify(login) ? undefined : now
}
