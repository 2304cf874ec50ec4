import type { Express, Response } from 'express'
import type { AuthError, RopgAuth } from '../../../lib/index.ts'

export interface TokenRoutesHooks {
  /** Called as soon as a request asks for a token. */
  asked?: () => void
}

/** `GET /token?audience=&scope=`: the result or the error of `req.auth.getAccessToken()`. */
export function addTokenRoute(app: Express, auth: RopgAuth, { asked }: TokenRoutesHooks = {}): void {
  app.get('/token', auth.requireAuth, async (req, res) => {
    const { audience, scope } = req.query as { audience?: string; scope?: string }
    const wanted = { ...(audience !== undefined && { audience }), ...(scope !== undefined && { scope }) }
    const token = req.auth.getAccessToken(wanted)
    asked?.()
    try {
      res.json(await token)
    } catch (err) {
      sendAuthError(err, res)
    }
  })
}

/** Responds with status, headers, and body of the error, as an app would. Any other error is a bug. */
export function sendAuthError(err: unknown, res: Response): void {
  const { status, headers } = err as AuthError
  if (typeof status !== 'number') throw err
  res.status(status).set(headers).json(err)
}
