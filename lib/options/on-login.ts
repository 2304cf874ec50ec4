import type { Request } from 'express'
import type { LoginData, UserClaims } from './claims.js'

/** A login that Auth0 accepted, before its session exists. */
export interface AcceptedLogin {
  /** The login request. */
  req: Request
  /** Profile claims of the ID token. */
  user: UserClaims
  /** Granted scopes, separated by spaces. */
  scope: string
}

/** Returns a JSON object or nothing. Declare its type as `LoginData`. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- an async function without a return statement
export type OnLogin = (login: AcceptedLogin) => LoginData | undefined | void | Promise<LoginData | undefined | void>
