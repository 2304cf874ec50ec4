import type { ErrorRequestHandler } from 'express'
import { AuthError } from '../../errors.js'
import type { SendError } from '../send-error.js'

/** Express reports a path that it cannot decode (`/sessions/%E0%A4%A`) as an error; it is the client's. */
export function malformedUrl(sendError: SendError): ErrorRequestHandler {
  // eslint-disable-next-line max-params -- the signature of an Express error handler
  return (err: unknown, req, res, next) => {
    // By name: test runners have several realms.
    if ((Object(err) as Partial<Error>).name !== 'URIError') {
      next(err)
      return
    }
    res.set('Cache-Control', 'no-store')
    sendError(new AuthError('invalid_request', { body: { fields: { path: 'is malformed' } } }), { req, res, next })
  }
}
