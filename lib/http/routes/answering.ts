import type { Request, RequestHandler, Response } from 'express'
import type { SendError } from '../send-error.js'

/** Wraps an async route, and sends its errors as responses. */
export function answering(sendError: SendError, act: (req: Request, res: Response) => Promise<void>): RequestHandler {
  return (req, res, next) => {
    act(req, res).catch((err: unknown) => {
      sendError(err, { req, res, next })
    })
  }
}
