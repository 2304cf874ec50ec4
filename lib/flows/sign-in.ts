import { passwordGrant, type PasswordGrantParts } from '../auth0/password-grant.js'
import { permissionsOf, profileOf, splitScope, type Grant } from '../auth0/token-response.js'
import { AuthError } from '../errors.js'
import type { Hint, Report } from '../events.js'
import type { AcceptedLogin, Config } from '../options/options.js'
import type { Established, Place } from '../session/establish.js'
import type { Seal } from '../session/seal.js'
import type { Sessions } from '../session/sessions.js'
import { askApp } from './on-login.js'
import type { Revoke } from './revoke-later.js'
import type { WhoAsks } from './who-asks.js'

/** What a user typed, checked. */
export interface Credentials {
  username: string
  password: string
  /** Ask for a refresh token, and keep the session for longer. */
  rememberMe?: boolean | undefined
  realm?: string | undefined
}

export interface SignedIn extends Established {
  grant: Grant
}

export interface SignInParts {
  config: Config
  password: PasswordGrantParts
  sessions: Sessions
  seal: Seal
  report: Report
  revoke: Revoke
  hint: Hint
}

export type SignIn = (place: Place, credentials: Credentials, who: WhoAsks) => Promise<SignedIn>

/** A password login: grant, then session; the events tell how it ended. */
export function createSignIn(parts: SignInParts): SignIn {
  const { config, report } = parts

  return async (place, credentials, who) => {
    const started = config.clock()
    const facts = () => ({ ...who, ...nameOf(credentials, parts), durationMs: config.clock() - started })
    try {
      const signedIn = await logIn(parts, place, { credentials, who })
      const { sub, handle } = signedIn.login
      report({ name: 'login.succeeded', sub, sessionId: handle, ...facts() })
      return signedIn
    } catch (err) {
      const { code, auth0, detail } = err instanceof AuthError ? err : new AuthError('internal_error')
      const name = code === 'mfa_required' ? 'mfa.required' : 'login.failed'
      report({ name, code, ...(auth0 && { auth0 }), detail, ...facts() }, err)
      throw err
    }
  }
}

async function logIn(
  { config, password: grantParts, sessions, revoke, hint }: SignInParts,
  place: Place,
  { credentials, who }: { credentials: Credentials; who: WhoAsks },
): Promise<SignedIn> {
  const { username, password, realm, rememberMe = false } = credentials
  // No password goes to Auth0 when the login could not be stored anyway.
  const since = await sessions.now()
  const wanted = rememberMe ? withOfflineAccess(config.scope) : config.scope
  const grant = await passwordGrant(grantParts, {
    username,
    password,
    scope: wanted,
    ...(realm !== undefined && { realm }),
    ...(who.ip !== undefined && { auth0ForwardedFor: who.ip }),
  })
  try {
    if (grant.refreshToken === undefined && asksForRefresh(wanted)) hint('no refresh token', NO_REFRESH_TOKEN)
    const { user, scope, ...login } = loginFrom(grant)
    const data = await askApp(config, {
      req: place.req as AcceptedLogin['req'],
      user: { ...user, sub: login.sub },
      scope,
    })
    // A client that hung up will never see its cookie.
    if (place.req.socket.destroyed) throw new AuthError('invalid_request', { detail: 'the client has gone' })
    const fresh = { ...login, user, scope, data, remember: rememberMe, ip: who.ip, since }
    return { ...(await sessions.establish(fresh, place)), grant }
  } catch (err) {
    // Nobody will ever hold this token, so it shall not stay valid.
    revoke(grant.refreshToken)
    throw err
  }
}

const NO_REFRESH_TOKEN =
  'a login asked for offline_access (remember_me or the option scope), and Auth0 sent no refresh token: turn on Allow ' +
  'Offline Access under Applications > APIs > your API > Settings, and Refresh Token under Applications > your ' +
  'application > Advanced Settings > Grant Types'

const OFFLINE = 'offline_access'

function withOfflineAccess(scope: string): string {
  return [...new Set([...splitScope(scope), OFFLINE])].join(' ')
}

const asksForRefresh = (scope: string) => splitScope(scope).includes(OFFLINE)

function loginFrom({ claims = { sub: '' }, refreshToken, ...tokenSet }: Omit<Grant, 'claims'> & { claims?: object }) {
  const { accessToken, tokenType, expiresAt, scope, audience } = tokenSet
  const user = profileOf(claims)
  const sid = Reflect.get(claims, 'sid') as unknown
  return {
    sub: String(user.sub),
    sid: typeof sid === 'string' ? sid : undefined,
    user,
    scope,
    permissions: permissionsOf(accessToken),
    refreshToken,
    tokenSets: [{ accessToken, tokenType, expiresAt, scope, audience }],
  }
}

/** The user name for events; hashed where it holds the password, as when somebody types into the wrong field. */
export function nameOf(
  credentials: Credentials | undefined,
  { config, seal }: Pick<SignInParts, 'config' | 'seal'>,
): { userName?: string } {
  if (!credentials) return {}
  const { username, password } = credentials
  if (config.logUserName === false) return {}
  const plain = config.logUserName === 'plain' && !username.includes(password.trim())
  return { userName: plain ? username : seal.blind(username.toLowerCase()) }
}
