import type { RequestHandler } from 'express'

/** Every response is about one user, so no cache may keep it (RFC 9111, 5.2.2.5). */
export const noStore: RequestHandler = (_req, res, next) => {
  res.set('Cache-Control', 'no-store')
  next()
}
