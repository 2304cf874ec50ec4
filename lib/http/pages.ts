import type { IncomingMessage } from 'node:http'
import type { Request, Response } from 'express'
import type { AuthError } from '../errors.js'
import type { Config } from '../options/options.js'
import { returnTarget } from './return-to.js'

type PageOptions = NonNullable<Config['pages']>

/** Whether a browser will display the response as a page. */
function wantsPage({ headers }: IncomingMessage): boolean {
  const mode = headers['sec-fetch-mode']
  return mode === undefined ? /\btext\/html\b/.test(headers.accept ?? '') : mode === 'navigate'
}

export function isNavigation(req: IncomingMessage): boolean {
  return (req.method === 'GET' || req.method === 'HEAD') && wantsPage(req)
}

/** Whether a page submitted a form without a script. */
function isFormPost(req: IncomingMessage): boolean {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(req.headers['content-type'] ?? '')
  // A form without fields has an empty body.
  return req.method === 'POST' && wantsPage(req) && (isForm || req.headers['content-length'] === '0')
}

/** Redirect target for an error. Undefined means JSON. */
export type ErrorPage = (err: AuthError, req: IncomingMessage) => string | undefined

/** Guards redirect navigations to the login page. */
export function pageOfGuards(pages: PageOptions | undefined): ErrorPage {
  return ({ code, status }, req) => {
    if (!pages || status !== 401 || !isNavigation(req)) return undefined
    const { originalUrl, url = '/' } = req as Partial<Request>
    const returnTo = returnTarget(originalUrl ?? url)
    // A login page behind the guard would redirect to itself.
    return pathOf(returnTo) === pathOf(pages.login) ? undefined : loginPage(pages, { code, returnTo })
  }
}

/** Routes also redirect form posts to the login page. */
export function pageOfRoutes({ pages, interactive }: Pick<Config, 'pages' | 'interactive'>): ErrorPage {
  return ({ code }, req) => {
    if (!pages || !(isNavigation(req) || isFormPost(req))) return undefined
    // With Auth0's page as the login page, a failed login would start again in a loop.
    const { baseUrl = '' } = req as Partial<Request>
    if (interactive && isNavigation(req) && pathOf(pages.login) === pathOf(`${baseUrl}/login`)) return undefined
    return loginPage(pages, { code, returnTo: wantedBy(req) })
  }
}

/** Normalizes a path as Express does, ignoring case and a trailing slash. */
function pathOf(page: string): string {
  return page
    .replace(/[?#].*$/s, '')
    .replace(/\/$/, '')
    .toLowerCase()
}

interface ToLogin {
  code?: AuthError['code'] | undefined
  returnTo: string | undefined
}

function loginPage({ login }: PageOptions, { code, returnTo }: ToLogin): string {
  const query = new URLSearchParams({
    ...(code !== undefined && code !== 'unauthenticated' && { error: code }),
    ...(returnTo !== undefined && { return_to: returnTo }),
  }).toString()
  const [path = '', hash] = login.split('#')
  return `${path}${query && (path.includes('?') ? '&' : '?')}${query}${hash === undefined ? '' : `#${hash}`}`
}

/** `return_to` from the form or its URL. */
function wantedBy(req: IncomingMessage): string | undefined {
  const { body, query } = req as { body?: unknown; query?: Request['query'] }
  const { return_to: posted } = Object(body) as Record<string, unknown>
  const wanted = posted ?? query?.return_to
  return typeof wanted === 'string' && wanted !== '' ? returnTarget(wanted) : undefined
}

/** Responds with JSON, or redirects a browser to the next page. */
export type Answer = (
  req: Request,
  res: Response,
  answer: { json: object; page: (pages: PageOptions) => string },
) => void

export function createAnswer(pages: PageOptions | undefined): Answer {
  return (req, res, { json, page }) => {
    // A timeout of the app may have responded in the meantime.
    if (res.headersSent) return
    if (pages && (isNavigation(req) || isFormPost(req))) res.redirect(303, page(pages))
    else res.json(json)
  }
}

/** Page after a login. */
export function afterLogin(req: Request): (pages: PageOptions) => string {
  return (pages) => wantedBy(req) ?? pages.afterLogin
}

/** Page after a form that does not log in: the login page, with a code that tells it what to show. */
export function backToLogin(req: Request, code?: AuthError['code']): (pages: PageOptions) => string {
  return (pages) => loginPage(pages, { code, returnTo: wantedBy(req) })
}
