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

/** Guards send navigations, and only those, to the login page and back. */
export function pageOfGuards(pages: PageOptions | undefined): ErrorPage {
  return ({ code, status }, req) => {
    if (!pages || status !== 401 || !isNavigation(req)) return undefined
    const { originalUrl, url = '/' } = req as Partial<Request>
    return loginPage(pages, { code, returnTo: returnTarget(originalUrl ?? url) })
  }
}

/** The routes send form posts back to the login page, too. */
export function pageOfRoutes(pages: PageOptions | undefined): ErrorPage {
  return ({ code }, req) => {
    if (!pages || !(isNavigation(req) || isFormPost(req)) || leadsBack(pages, req)) return undefined
    return loginPage(pages, { code, returnTo: wantedBy(req) })
  }
}

/** Whether the login page is the interactive login, which would fail again, without end. */
function leadsBack({ login }: PageOptions, req: IncomingMessage): boolean {
  const { baseUrl = '' } = req as Partial<Request>
  return req.method !== 'POST' && login.split(/[?#]/)[0] === `${baseUrl}/login`
}

interface Refused {
  code: AuthError['code']
  returnTo: string | undefined
}

function loginPage({ login }: PageOptions, { code, returnTo }: Refused): string {
  const query = new URLSearchParams({
    ...(code !== 'unauthenticated' && { error: code }),
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
