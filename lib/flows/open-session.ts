import { permissionsOf, profileOf, splitScope, type Grant } from '../auth0/token-response.js'
import type { Hint } from '../events.js'
import type { AcceptedLogin } from '../options/on-login.js'
import type { Config } from '../options/options.js'
import type { Established, Place } from '../session/establish.js'
import type { Sessions } from '../session/sessions.js'
import { checkAwaited } from './check-awaited.js'
import { askApp } from './on-login.js'
import type { Revoke } from './revoke-later.js'
import type { WhoAsks } from './who-asks.js'

/** A login that Auth0 has accepted. */
export interface Granted {
  grant: Grant
  /** Requested scopes. */
  wanted: string
  remember: boolean
  who: WhoAsks
  /** When the login counts as made, in milliseconds on the clock of the store. */
  since: number
  /** When the login began, before the password was checked, on the same clock. Default: `since`. */
  began?: number
  /** Whether the login was made on Auth0's own page. */
  interactive?: boolean
}

export interface SignedIn extends Established {
  grant: Grant
}

export interface OpenSessionParts {
  config: Config
  sessions: Sessions
  revoke: Revoke
  hint: Hint
}

/** Turns the grant of any kind of login into a session. If that fails, the refresh token is revoked. */
export type OpenSession = (place: Place, granted: Granted) => Promise<SignedIn>

export function createOpenSession({ config, sessions, revoke, hint }: OpenSessionParts): OpenSession {
  return async (place, { grant, wanted, who, ...login }) => {
    try {
      if (grant.refreshToken === undefined && asksForRefresh(wanted)) hint('no refresh token', NO_REFRESH_TOKEN)
      const granted = loginFrom(grant)
      const data = await askApp(config, {
        req: place.req as AcceptedLogin['req'],
        user: { ...granted.user, sub: granted.sub },
        scope: granted.scope,
      })
      checkAwaited(place)
      return { ...(await sessions.establish({ ...granted, ...login, data, ip: who.ip }, place)), grant }
    } catch (err) {
      // An unused token must not stay valid.
      revoke(grant.refreshToken)
      throw err
    }
  }
}

const NO_REFRESH_TOKEN =
  'a login requested offline_access (remember_me or the scope option), but Auth0 sent no refresh token: turn on Allow ' +
  'Offline Access under Applications > APIs > your API > Settings, and Refresh Token under Applications > your ' +
  'application > Settings > Advanced Settings > Grant Types'

const OFFLINE = 'offline_access'

export function withOfflineAccess(scope: string): string {
  return [...new Set([...splitScope(scope), OFFLINE])].join(' ')
}

const asksForRefresh = (scope: string) => splitScope(scope).includes(OFFLINE)

function loginFrom({ claims = { sub: '' }, refreshToken, ...tokenSet }: Omit<Grant, 'claims'> & { claims?: object }) {
  const { accessToken, tokenType, expiresAt, scope, audience } = tokenSet
  const user = profileOf(claims)
  const { sid, auth_time: authTime } = claims as { sid?: unknown; auth_time?: unknown }
  return {
    sub: String(user.sub),
    sid: typeof sid === 'string' ? sid : undefined,
    authenticated: typeof authTime === 'number' ? authTime * 1000 : undefined,
    user,
    scope,
    permissions: permissionsOf(accessToken),
    refreshToken,
    tokenSets: [{ accessToken, tokenType, expiresAt, scope, audience }],
  }
}
