import type { Request, RequestHandler } from 'express'
import type { Credentials, SignedIn, SignIn } from '../../flows/sign-in.js'
import type { Hint } from '../../events.js'
import type { Config } from '../../options/options.js'
import { readCredentials } from '../credentials.js'
import { placeOf, setCookie } from '../place.js'
import type { SendError } from '../send-error.js'
import { whoAsks } from '../who-asks.js'

export interface LoginParts {
  config: Config
  signIn: SignIn
  sendError: SendError
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
export function login({ config, signIn, sendError, hint }: LoginParts): RequestHandler {
  return (req, res, next) => {
    const attempt = async () => {
      const place = placeOf(req, config, hint)
      const credentials = checked.get(req) ?? readCredentials(req.body, config.allowedRealms)
      checked.delete(req)
      const signedIn = await signIn(place, credentials, whoAsks(req))
      setCookie(res, signedIn)
      res.json(loginAnswer(signedIn, config))
    }
    attempt().catch((err: unknown) => {
      sendError(err, { req, res, next })
    })
  }
}

function loginAnswer({ login: { sub, user, until }, grant }: SignedIn, { exposeTokens, clock }: Config) {
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
