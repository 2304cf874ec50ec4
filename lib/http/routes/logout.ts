import type { RequestHandler } from 'express'
import type { SignOut } from '../../flows/sign-out.js'
import type { ClearCookie } from '../clear-cookie.js'
import type { SendError } from '../send-error.js'
import { whoAsks } from '../who-asks.js'

export interface LogoutParts {
  signOut: SignOut
  clearCookie: ClearCookie
  sendError: SendError
}

/** `POST /logout`: succeeds for somebody who is not logged in, and while Auth0 is down. */
export function logout({ signOut, clearCookie, sendError }: LogoutParts): RequestHandler {
  return (req, res, next) => {
    // First: the browser forgets its cookie even where the session cannot be ended now.
    clearCookie(req)
    signOut(req, whoAsks(req)).then(
      () => res.json({ success: true }),
      (err: unknown) => {
        sendError(err, { req, res, next })
      },
    )
  }
}
