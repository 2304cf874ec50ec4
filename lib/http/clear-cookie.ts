import type { Request, Response } from 'express'
import type { Config } from '../options/options.js'

/** Takes the session cookie from the browser, with the attributes it was set with. */
export type ClearCookie = (req: Request, res: Response) => void

export function createClearCookie({ cookie }: Config['session']): ClearCookie {
  const { name, path, domain, sameSite, secure } = cookie
  return (req, res) => {
    if (res.headersSent) return
    res.clearCookie(name, {
      path,
      sameSite,
      httpOnly: true,
      secure: secure === 'auto' ? req.secure : secure,
      ...(domain !== undefined && { domain }),
    })
  }
}
