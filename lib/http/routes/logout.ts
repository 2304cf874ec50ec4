import type { Request, RequestHandler } from 'express'
import type { LogoutUrl } from '../../flows/logout-url.js'
import type { SignOut } from '../../flows/sign-out.js'
import type { ClearCookie } from '../clear-cookie.js'
import type { Answer } from '../pages.js'
import type { SendError } from '../send-error.js'
import { whoAsks } from '../who-asks.js'
import { answering } from './answering.js'

export interface LogoutParts {
  signOut: SignOut
  logoutUrl: LogoutUrl
  clearCookie: ClearCookie
  answer: Answer
  sendError: SendError
}

/** `POST /logout`: also succeeds without a login and while Auth0 is down. */
export function logout({ signOut, logoutUrl, clearCookie, answer, sendError }: LogoutParts): RequestHandler {
  const logOut = answering(sendError, async (req: Request, res) => {
    const url = await logoutUrl(await signOut(req, whoAsks(req)))
    const json = { success: true, ...(url !== undefined && { logout_url: url }) }
    answer(req, res, { json, page: ({ afterLogout }) => url ?? afterLogout })
  })
  return (req, res, next) => {
    // First, so that the cookie is cleared even if the session cannot be ended.
    clearCookie(req)
    logOut(req, res, next)
  }
}
