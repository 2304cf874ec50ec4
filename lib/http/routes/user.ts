import type { RequestHandler } from 'express'

/** `GET /user`, behind `requireAuth`: the profile claims of the ID token. */
export const user: RequestHandler = (req, res) => {
  res.json({ user: req.auth?.user })
}
