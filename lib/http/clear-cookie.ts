import type { IncomingMessage } from 'node:http'
import type { Response } from 'express'
import type { Config } from '../options/options.js'
import type { PendingCookie } from '../pending/pending-cookie.js'
import { isSecure } from './client-address.js'

/**
 * Clears the session cookie, and that of a login that waits for its second factor, with the attributes they were set with.
 * Requires an Express response.
 */
export type ClearCookie = (req: IncomingMessage & { res?: Response | undefined }) => void

export function createClearCookie({ cookie }: Config['session'], mfaCookie: PendingCookie): ClearCookie {
  const { name, path, domain, sameSite, secure } = cookie
  return (req) => {
    if (!req.res || req.res.headersSent) return
    req.res.clearCookie(name, {
      path,
      sameSite,
      httpOnly: true,
      secure: secure === 'auto' ? isSecure(req) : secure,
      ...(domain !== undefined && { domain }),
    })
    if (mfaCookie.isSent(req)) req.res.appendHeader('Set-Cookie', mfaCookie.clear(isSecure(req)))
  }
}
