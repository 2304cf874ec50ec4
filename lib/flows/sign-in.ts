import { passwordGrant, type PasswordGrantParts } from '../auth0/password-grant.js'
import { splitScope, type Grant } from '../auth0/token-response.js'
import { AuthError } from '../errors.js'
import type { Report } from '../events.js'
import type { Config } from '../options/options.js'
import type { Login } from '../session/login.js'
import type { Seal } from '../session/seal.js'
import type { SessionRequest } from '../session/arrival.js'
import type { Sessions } from '../session/sessions.js'
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

export interface SignedIn {
  login: Login
  grant: Grant
}

export interface SignInParts {
  config: Config
  password: PasswordGrantParts
  sessions: Sessions
  seal: Seal
  report: Report
  revoke: Revoke
}

export type SignIn = (req: SessionRequest, credentials: Credentials, who: WhoAsks) => Promise<SignedIn>

/** A password login: grant, then session; the events tell how it ended. */
export function createSignIn(parts: SignInParts): SignIn {
  const { config, report } = parts

  return async (req, credentials, who) => {
    const started = config.clock()
    const facts = () => ({ ...who, ...nameOf(credentials, parts), durationMs: config.clock() - started })
    try {
      const signedIn = await logIn(parts, req, { credentials, who })
      report({ name: 'login.succeeded', sub: signedIn.login.sub, ...facts() })
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
  { config, password: grantParts, sessions, revoke }: SignInParts,
  req: SessionRequest,
  { credentials, who }: { credentials: Credentials; who: WhoAsks },
): Promise<SignedIn> {
  const { username, password, realm, rememberMe = false } = credentials
  // Not a password to Auth0 when the login could not be kept anyway.
  await sessions.ping()
  const grant = await passwordGrant(grantParts, {
    username,
    password,
    scope: rememberMe ? withOfflineAccess(config.scope) : config.scope,
    ...(realm !== undefined && { realm }),
    ...(who.ip !== undefined && { auth0ForwardedFor: who.ip }),
  })
  try {
    // A client that hung up will never see its cookie.
    if (req.socket.destroyed) throw new AuthError('invalid_request', { detail: 'the client has gone' })
    const login = await sessions.establish(req, { ...loginFrom(grant), remember: rememberMe, ip: who.ip })
    return { login, grant }
  } catch (err) {
    // Nobody will ever hold this token, so it shall not stay valid.
    revoke(grant.refreshToken)
    throw err
  }
}

function withOfflineAccess(scope: string): string {
  return [...new Set([...splitScope(scope), 'offline_access'])].join(' ')
}

/** Claims that describe the token, not the person. */
const PROTOCOL_CLAIMS = new Set(
  'iss aud exp iat nbf jti nonce azp at_hash c_hash s_hash sid auth_time acr amr'.split(' '),
)

function loginFrom({ claims = { sub: '' }, refreshToken, ...tokenSet }: Omit<Grant, 'claims'> & { claims?: object }) {
  const { accessToken, tokenType, expiresAt, scope, audience } = tokenSet
  const user = Object.fromEntries(Object.entries(claims).filter(([claim]) => !PROTOCOL_CLAIMS.has(claim)))
  const sid = Reflect.get(claims, 'sid') as unknown
  return {
    sub: String(user.sub),
    sid: typeof sid === 'string' ? sid : undefined,
    user,
    scope,
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
  const plain = config.logUserName === 'plain' && !username.includes(password.trim())
  return { userName: plain ? username : seal.blind(username.toLowerCase()) }
}
