import type { IncomingMessage } from 'node:http'
import type { Request, Response } from 'express'
import type { AuthError } from '../errors.js'
import type { Config } from '../options/options.js'
import { returnTarget } from './return-to.js'

type PageOptions = NonNullable<Config['pages']>

/** Whether a browser shows the answer as a page. Scripts and other clients get JSON. */
function wantsPage({ headers }: IncomingMessage): boolean {
  const mode = headers['sec-fetch-mode']
  return mode === undefined ? /\btext\/html\b/.test(headers.accept ?? '') : mode === 'navigate'
}

/** A page that somebody opens. */
export function isNavigation(req: IncomingMessage): boolean {
  return (req.method === 'GET' || req.method === 'HEAD') && wantsPage(req)
}

/** A form that a page sends without a script. */
function isFormPost(req: IncomingMessage): boolean {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(req.headers['content-type'] ?? '')
  // A button alone sends a form without fields.
  return req.method === 'POST' && wantsPage(req) && (isForm || req.headers['content-length'] === '0')
}

/** Where a browser goes in place of an error. Undefined: it gets JSON. */
export type ErrorPage = (err: AuthError, req: IncomingMessage) => string | undefined

/** Guards redirect only navigations to the login page. */
export function pageOfGuards(pages: PageOptions | undefined): ErrorPage {
  return ({ code, status }, req) => {
    if (!pages || status !== 401 || !isNavigation(req)) return undefined
    const { originalUrl, url = '/' } = req as Partial<Request>
    const returnTo = returnTarget(originalUrl ?? url)
    // A login page behind the guard would redirect to itself forever.
    return pathOf(returnTo) === pathOf(pages.login) ? undefined : loginPage(pages, { code, returnTo })
  }
}

/** The routes send form posts back to the login page, too. */
export function pageOfRoutes({ pages, interactive }: Pick<Config, 'pages' | 'interactive'>): ErrorPage {
  return ({ code }, req) => {
    if (!pages || !(isNavigation(req) || isFormPost(req))) return undefined
    // If the login page is Auth0's, a failed login there would start again forever.
    const { baseUrl = '' } = req as Partial<Request>
    if (interactive && isNavigation(req) && pathOf(pages.login) === pathOf(`${baseUrl}/login`)) return undefined
    return loginPage(pages, { code, returnTo: wantedBy(req) })
  }
}

/** As Express matches paths: without regard to case or a slash at the end. */
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

/** `return_to` of a form or its URL. */
function wantedBy(req: IncomingMessage): string | undefined {
  const { body, query } = req as { body?: unknown; query?: Request['query'] }
  const { return_to: posted } = Object(body) as Record<string, unknown>
  const wanted = posted ?? query?.return_to
  return typeof wanted === 'string' && wanted !== '' ? returnTarget(wanted) : undefined
}

/** Answers with JSON, or sends a browser that shows pages to the next one. */
export type Answer = (
  req: Request,
  res: Response,
  answer: { json: object; page: (pages: PageOptions) => string },
) => void

export function createAnswer(pages: PageOptions | undefined): Answer {
  return (req, res, { json, page }) => {
    if (pages && (isNavigation(req) || isFormPost(req))) res.redirect(303, page(pages))
    else res.json(json)
  }
}

/** Where a login leads. */
export function afterLogin(req: Request): (pages: PageOptions) => string {
  return (pages) => wantedBy(req) ?? pages.afterLogin
}

/** Where a form leads that does not log in: the login page, with a code that says what to show. */
export function backToLogin(req: Request, code?: AuthError['code']): (pages: PageOptions) => string {
  return (pages) => loginPage(pages, { code, returnTo: wantedBy(req) })
}
