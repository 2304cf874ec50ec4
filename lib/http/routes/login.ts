import type { ServerResponse } from 'node:http'
import type { RequestHandler } from 'express'
import { AuthError } from '../../errors.js'
import { pendingIdOf } from '../../flows/begin-mfa.js'
import type { SignedIn } from '../../flows/open-session.js'
import type { Credentials } from '../../flows/sign-in.js'
import type { Config } from '../../options/options.js'
import { doubtAbout } from '../../typed-name.js'
import { readCredentials } from '../credentials.js'
import type { PendingCookie } from '../../pending/pending-cookie.js'
import type { LoginUrl } from '../login-url.js'
import { afterLogin, type Answer } from '../pages.js'
import { isSecure } from '../client-address.js'
import type { LoginDoor } from '../login-door.js'
import { setCookie } from '../place.js'
import type { SendError } from '../send-error.js'
import { answering } from './answering.js'

export interface LoginParts {
  config: Config
  logIn: LoginDoor
  sendError: SendError
  answer: Answer
  mfaCookie: PendingCookie
  loginUrl: LoginUrl
}

/** `POST /login`: responds only after the session has been stored. */
export function login(parts: LoginParts): RequestHandler {
  const { config, logIn, sendError, answer, mfaCookie, loginUrl } = parts
  return answering(sendError, async (req, res) => {
    const credentials = readCredentials(req.body, config.allowedRealms)
    try {
      const signedIn = await logIn({ req, res }, credentials)
      setCookie(res, signedIn)
      answer(req, res, { json: loginAnswer(signedIn, config), page: afterLogin(req) })
    } catch (err) {
      const { return_to: returnTo } = Object(req.body) as { return_to?: unknown }
      if (err instanceof AuthError) {
        const { baseUrl } = req
        loginUrl.addTo(err, { loginHint: hintOf(credentials), returnTo, baseUrl })
      }
      setPendingCookie(err, { res, mfaCookie, isSecure: isSecure(req) })
      throw err
    }
  })
}

/** No hint if the password may have been typed into the wrong field. */
function hintOf(credentials: Credentials): string | undefined {
  return doubtAbout(credentials, true) ? undefined : credentials.username
}

interface PendingAnswer {
  res: ServerResponse
  mfaCookie: PendingCookie
  isSecure: boolean
}

/** Sets the cookie with which the browser sends the second factor. */
export function setPendingCookie(err: unknown, { res, mfaCookie, isSecure }: PendingAnswer): void {
  const id = pendingIdOf(err)
  if (id !== undefined && !res.headersSent) res.appendHeader('Set-Cookie', mfaCookie.set(id, isSecure))
}

/** The response to any kind of login. */
export function loginAnswer(
  { login: { sub, user, until }, grant }: Pick<SignedIn, 'login' | 'grant'>,
  { exposeTokens, clock }: Config,
) {
  return {
    success: true,
    user: { id: sub, email: user.email, name: user.name },
    expires_at: new Date(until).toISOString(),
    ...(exposeTokens && {
      access_token: grant.accessToken,
      token_type: grant.tokenType,
      expires_in: Math.max(0, grant.expiresAt - Math.floor(clock() / 1000)),
      scope: grant.scope,
      refresh_token: grant.refreshToken,
    }),
  }
}
