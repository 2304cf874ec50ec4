import type { RequestHandler } from 'express'
import type { BackchannelLogout } from '../../flows/backchannel-logout.js'
import type { SendError } from '../send-error.js'
import { whoAsks } from '../who-asks.js'
import { answering } from './answering.js'

export interface BackchannelLogoutRouteParts {
  backchannelLogout: BackchannelLogout
  sendError: SendError
}

/** `POST /backchannel-logout`, called by Auth0. */
export function backchannelLogout({
  backchannelLogout: logOut,
  sendError,
}: BackchannelLogoutRouteParts): RequestHandler {
  return answering(sendError, async (req, res) => {
    // The specification (2.5) requires a form.
    const isForm = req.is('application/x-www-form-urlencoded')
    const { logout_token: token } = Object(req.body) as Record<string, unknown>
    await logOut(isForm ? token : undefined, whoAsks(req))
    res.json({ success: true })
  })
}
