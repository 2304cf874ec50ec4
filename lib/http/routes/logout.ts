import type { RequestHandler } from 'express'
import type { SignOut } from '../../flows/sign-out.js'
import type { Sessions } from '../../session/sessions.js'
import type { ClearCookie } from '../clear-cookie.js'
import type { SendError } from '../send-error.js'
import { whoAsks } from '../who-asks.js'

export interface LogoutParts {
  sessions: Sessions
  signOut: SignOut
  clearCookie: ClearCookie
  sendError: SendError
}

/** `POST /logout`: succeeds for somebody who is not logged in, and while Auth0 is down. */
export function logout({ sessions, signOut, clearCookie, sendError }: LogoutParts): RequestHandler {
  return (req, res, next) => {
    const leave = async () => {
      const presented = await sessions.open(req, res)
      const sub = presented.state === 'live' ? presented.login.sub : undefined
      await signOut(req, { ...whoAsks(req), ...(sub !== undefined && { sub }) })
      clearCookie(req, res)
      res.json({ success: true })
    }
    leave().catch((err: unknown) => {
      sendError(err, { req, res, next })
    })
  }
}
