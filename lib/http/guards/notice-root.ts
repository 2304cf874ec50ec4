import type { RequestHandler } from 'express'
import type { Hint } from '../../events.js'
import { isNavigation } from '../pages.js'

/** A browser that navigates to a JSON route probably wants a page of the app that a router at the root hides. */
export function noticeRoot(hint: Hint): RequestHandler {
  return (req, _res, next) => {
    if (req.baseUrl === '' && isNavigation(req)) hint('mount point', AT_ROOT)
    next()
  }
}

const AT_ROOT =
  'a browser requested a page but got JSON from auth.router, which is mounted at the root and therefore handles ' +
  "/login, /user and /sessions: mount it at its own path, app.use('/api/auth', auth.router), or after your pages"
