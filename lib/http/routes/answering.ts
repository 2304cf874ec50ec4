import type { Request, RequestHandler, Response } from 'express'
import type { SendError } from '../send-error.js'

/** A route that answers by itself, and whose errors become answers. */
export function answering(sendError: SendError, act: (req: Request, res: Response) => Promise<void>): RequestHandler {
  return (req, res, next) => {
    act(req, res).catch((err: unknown) => {
      sendError(err, { req, res, next })
    })
  }
}
