import type { RequestHandler } from 'express'
import type { Sessions } from '../../session/sessions.js'
import type { SendError } from '../send-error.js'

/** The session middleware for an app that wants it everywhere; a store that does not answer is `session_unavailable`. */
export function mountSession({ open }: Pick<Sessions, 'open'>, sendError: SendError): RequestHandler {
  return (req, res, next) => {
    open(req, res).then(
      () => {
        next()
      },
      (err: unknown) => {
        sendError(err, { req, res, next })
      },
    )
  }
}
