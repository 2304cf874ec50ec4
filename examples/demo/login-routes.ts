import { Router, type Request, type RequestHandler, type Response } from 'express'
import type { Demo } from './app.ts'
import { textOf, withQuery } from './browser.ts'
import { html, type Html } from './html.ts'
import { layout } from './layout.ts'
import { loginMain, RESET_SENT, resetMain, SIGNED_UP, signupMain, type Asked } from './login-pages.ts'
import { panel } from './panel.ts'
import { phone, phoneOwner } from './phone.ts'
import { recoveredMain, enrolledMain, verifyMain, type Authenticator, type Enrollment } from './verify-pages.ts'
import { wireRows } from './wire.ts'

/** The router redirects every refused form to the login page, but these errors belong to other pages. */
const AT_VERIFY = ['mfa_required', 'invalid_mfa_code', 'mfa_pending']
const AT_SIGNUP = ['weak_password', 'signup_rejected']

export function loginRoutes(demo: Demo): Router {
  const router = Router()
  const show = (req: Request, res: Response, page: { title: string; main: Html; phone?: Html }) => {
    const back = req.method === 'GET' ? req.path : '/login'
    const state = { back, did: textOf(req.query.did), hasRedis: demo.redis !== undefined, isLoggedIn: false }
    const aside = html`${page.phone}${panel({ ...state, wire: wireRows(demo.emulator) })}`
    res.send(layout({ ...page, aside }))
  }
  router.get('/login', (req, res) => {
    const asked = askedBy(req)
    const elsewhere = pageFor(asked)
    if (elsewhere !== undefined) res.redirect(303, elsewhere)
    else show(req, res, { title: 'Log in', main: loginMain(asked) })
  })
  router.get('/signup', (req, res) => {
    show(req, res, { title: 'Create an account', main: signupMain(askedBy(req)) })
  })
  router.get('/password-reset', (req, res) => {
    show(req, res, { title: 'Reset your password', main: resetMain(askedBy(req)) })
  })
  router.get('/verify', verifyRoute(demo, show))
  router.post('/verify/enroll', enrollRoute(demo, show))
  router.post('/verify/recovery', recoveryRoute(demo, show))
  return router
}

type Show = (req: Request, res: Response, page: { title: string; main: Html; phone?: Html }) => void

function askedBy({ query }: Request): Asked {
  return { error: textOf(query.error), returnTo: pathOnly(query.return_to), user: textOf(query.user) }
}

/** The router validates `return_to` itself. Links on these pages must do the same. */
function pathOnly(value: unknown): string | undefined {
  const path = textOf(value)
  return path !== undefined && /^\/(?![/\\])[\w\-./?=&%]*$/.test(path) ? path : undefined
}

function pageFor({ error = '', returnTo }: Asked): string | undefined {
  if (AT_VERIFY.includes(error)) return withQuery('/verify', { error, return_to: returnTo })
  if (AT_SIGNUP.includes(error)) return withQuery('/signup', { error })
  if (error === 'invalid_request' && returnTo === SIGNED_UP) return withQuery('/signup', { error })
  if (error === 'invalid_request' && returnTo === RESET_SENT) return withQuery('/password-reset', { error })
  return undefined
}

/** Calls the package's own routes on behalf of the browser. */
function callAs(req: Request, { baseUrl }: Demo, path: string, fields?: object): Promise<globalThis.Response> {
  return fetch(`${baseUrl}/api/auth${path}`, {
    method: fields ? 'POST' : 'GET',
    headers: { Cookie: req.get('cookie') ?? '', ...(fields && { 'Content-Type': 'application/json' }) },
    ...(fields && { body: JSON.stringify(fields) }),
  })
}

async function errorOf(answer: globalThis.Response): Promise<string> {
  return ((await answer.json()) as { error: string }).error
}

function verifyRoute(demo: Demo, show: Show): RequestHandler {
  return async (req, res) => {
    const asked = askedBy(req)
    const answer = await callAs(req, demo, '/mfa/authenticators')
    if (!answer.ok) {
      res.redirect(303, withQuery('/login', { error: await errorOf(answer) }))
      return
    }
    const { authenticators } = (await answer.json()) as { authenticators: Authenticator[] }
    const types = authenticators.map(({ type }) => type)
    show(req, res, {
      title: 'Two-step verification',
      main: verifyMain({ ...asked, authenticators }),
      phone: phone(demo.emulator, phoneOwner(req), { types }),
    })
  }
}

function enrollRoute(demo: Demo, show: Show): RequestHandler {
  return async (req, res) => {
    const { return_to } = req.body as { return_to?: unknown }
    const answer = await callAs(req, demo, '/mfa/enroll', { type: 'otp' })
    if (!answer.ok) {
      res.redirect(303, withQuery('/login', { error: await errorOf(answer) }))
      return
    }
    const enrollment = (await answer.json()) as Enrollment
    show(req, res, {
      title: 'Set up two-step verification',
      main: enrolledMain(enrollment, pathOnly(return_to)),
      phone: phone(demo.emulator, phoneOwner(req), { types: [], secret: enrollment.secret }),
    })
  }
}

function recoveryRoute(demo: Demo, show: Show): RequestHandler {
  return async (req, res) => {
    const { recovery_code, return_to } = req.body as Record<string, unknown>
    const answer = await callAs(req, demo, '/mfa/verify', { recovery_code })
    if (!answer.ok) {
      const error = await errorOf(answer)
      const page = error === 'invalid_request' ? 'invalid_mfa_code' : error
      res.redirect(303, withQuery('/login', { error: page, return_to: pathOnly(return_to) }))
      return
    }
    for (const cookie of answer.headers.getSetCookie()) res.append('Set-Cookie', cookie)
    const { recovery_code: fresh } = (await answer.json()) as { recovery_code?: string }
    show(req, res, { title: 'You are logged in', main: recoveredMain(fresh, pathOnly(return_to)) })
  }
}
