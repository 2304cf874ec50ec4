import type { ServerResponse } from 'node:http'
import type { Request, RequestHandler } from 'express'
import { AuthError } from '../../errors.js'
import { pendingIdOf } from '../../flows/mfa.js'
import type { SignedIn } from '../../flows/open-session.js'
import type { Credentials, SignIn } from '../../flows/sign-in.js'
import type { Hint } from '../../events.js'
import type { Config } from '../../options/options.js'
import { readCredentials } from '../credentials.js'
import type { PendingCookie } from '../../pending/pending-cookie.js'
import type { LoginUrl } from '../login-url.js'
import { afterLogin, type Answer } from '../pages.js'
import { placeOf, setCookie } from '../place.js'
import type { SendError } from '../send-error.js'
import { whoAsks } from '../who-asks.js'
import { answering } from './answering.js'

export interface LoginParts {
  config: Config
  signIn: SignIn
  sendError: SendError
  answer: Answer
  mfaCookie: PendingCookie
  loginUrl: LoginUrl
  hint: Hint
}

/** Not in res.locals, where a view or an error page could print them. */
const checked = new WeakMap<Request, Credentials>()

/** Checks the body, so that only a complete attempt counts as one. */
export function checkCredentials({ config, sendError }: LoginParts): RequestHandler {
  return (req, res, next) => {
    try {
      checked.set(req, readCredentials(req.body, config.allowedRealms))
    } catch (err) {
      sendError(err, { req, res, next })
      return
    }
    next()
  }
}

/** What was checked. */
export function credentialsOf(req: Request): Credentials | undefined {
  return checked.get(req)
}

/** `POST /login`: the session is stored before the first byte of the answer. */
export function login(parts: LoginParts): RequestHandler {
  const { config, signIn, sendError, answer, mfaCookie, loginUrl, hint } = parts
  return answering(sendError, async (req, res) => {
    const place = placeOf(req, config, hint)
    const credentials = checked.get(req) ?? readCredentials(req.body, config.allowedRealms)
    checked.delete(req)
    try {
      const signedIn = await signIn(place, credentials, whoAsks(req))
      setCookie(res, signedIn)
      answer(req, res, { json: loginAnswer(signedIn, config), page: afterLogin(req) })
    } catch (err) {
      const { return_to: returnTo } = Object(req.body) as { return_to?: unknown }
      if (err instanceof AuthError) loginUrl.addTo(err, { loginHint: credentials.username, returnTo })
      setPendingCookie(err, { res, mfaCookie, isSecure: place.isSecure })
      throw err
    }
  })
}

interface PendingAnswer {
  res: ServerResponse
  mfaCookie: PendingCookie
  isSecure: boolean
}

/** The browser has to come back with its second factor. */
export function setPendingCookie(err: unknown, { res, mfaCookie, isSecure }: PendingAnswer): void {
  const id = pendingIdOf(err)
  if (id !== undefined) res.appendHeader('Set-Cookie', mfaCookie.set(id, isSecure))
}

/** What a login answers, whichever way it came. */
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
