import { parse } from 'node:querystring'
import express, { type Request, type RequestHandler } from 'express'
import { AuthError } from '../errors.js'
import type { Hint } from '../events.js'
import type { SendError } from './send-error.js'

/** Bytes. */
const LIMIT = 10 * 1024

/**
 * Parses a JSON or form body of at most 10 KB. Uses a body that the app has read, with the same limit on `Content-Length` and
 * on text. The app's own limit applies to bodies that it has parsed and that were compressed or had no `Content-Length`.
 */
export function readBody(sendError: SendError, hint: Hint): RequestHandler[] {
  const parsers: RequestHandler[] = [
    express.json({ limit: LIMIT, inflate: false }),
    express.urlencoded({ limit: LIMIT, inflate: false, extended: false, parameterLimit: 50 }),
  ]
  const guarded = parsers.map((parse): RequestHandler => (req, res, next) => {
    const done = (err?: unknown) => {
      if (err) sendError(bodyError(err), { req, res, next })
      else next()
    }
    // The parsers of Express 4 throw if the stream has ended.
    if (req.readableEnded) {
      if (isConsumed(req)) hint('body', CONSUMED)
      done()
    } else parse(req, res, done)
  })
  return [
    (req, res, next) => {
      const problem = announced(req) ?? readRaw(req)
      if (problem) sendError(problem, { req, res, next })
      else next()
    },
    ...guarded,
  ]
}

/** Whether other middleware has consumed the body without setting `req.body`. */
function isConsumed(req: Request): boolean {
  return (req.body as unknown) === undefined && Number(req.get('content-length') ?? 0) > 0
}

const CONSUMED =
  'the body of a request was consumed before it reached auth.router, and req.body is not set: add express.json() before ' +
  'the middleware that reads it, or mount auth.router first'

/** Parses a body that express.raw, express.text, or a serverless adapter has read. */
function readRaw(req: Request): AuthError | undefined {
  const raw: unknown = req.body
  if (typeof raw !== 'string' && !Buffer.isBuffer(raw)) return undefined
  if (Buffer.byteLength(raw) > LIMIT) return new AuthError('payload_too_large')
  const text = raw.toString()
  try {
    req.body = req.is('application/x-www-form-urlencoded') ? { ...parse(text) } : (JSON.parse(text || '{}') as unknown)
    return undefined
  } catch {
    return new AuthError('invalid_request', { body: { fields: { body: 'is not valid JSON' } } })
  }
}

function announced(req: Request): AuthError | undefined {
  const length = Number(req.get('content-length') ?? NaN)
  if (length > LIMIT) return new AuthError('payload_too_large')
  // An empty body is reported as missing fields.
  if (length === 0) return undefined
  if (req.is(['application/json', 'application/x-www-form-urlencoded']) !== false) return undefined
  return new AuthError('unsupported_media_type')
}

function bodyError(err: unknown): AuthError {
  const { status, type } = err as { status?: number; type?: string }
  if (status === 413) return new AuthError('payload_too_large')
  if (status === 415) return new AuthError('unsupported_media_type')
  const reason = type === 'entity.parse.failed' ? 'is not valid JSON' : 'could not be read'
  return new AuthError('invalid_request', { body: { fields: { body: reason } } })
}
