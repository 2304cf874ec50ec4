import type { Seal } from './seal.js'

/** Who is logged in, since when and until when. Stored sealed; holds no token. */
export interface Login {
  sub: string
  /** Auth0's own session id, where the ID token has one; a password grant's has none. */
  sid?: string
  /** Made at Auth0's own page, where the browser may have a session of its own. */
  interactive?: boolean
  /** Profile claims of the ID token. */
  user: Record<string, unknown>
  /** Granted scopes. */
  scope: string
  /** Auth0's RBAC permissions of the access token for the configured audience. */
  permissions?: readonly string[] | undefined
  /** What `onLogin` returned. */
  data?: Record<string, unknown>
  /** Public handle of the session. Not the id in the cookie. */
  handle: string
  /** Milliseconds on the clock of the store at which the login began, to the microsecond. */
  since: number
  /** The same, at which the session ends at the latest. */
  until: number
  /** Client address at the login. */
  ip?: string
  userAgent?: string
}

/** A login as it is stored, encrypted and bound to the key of its session. */
export function createLoginSeal(seal: Seal) {
  const contextOf = (key: string) => `${key}#login`
  return {
    close: (login: Login, key: string) => seal.close(JSON.stringify(login), contextOf(key)),
    /** Undefined if this process does not have the secret, or if the login was copied or forged. */
    open: (sealed: Buffer, key: string) => {
      const text = seal.open(sealed, contextOf(key))
      return text === undefined ? undefined : (JSON.parse(text) as Login)
    },
  }
}

export type LoginSeal = ReturnType<typeof createLoginSeal>
