import { AuthError, type RequestAuth } from 'express-auth0-ropg'
import { Router, type Request, type Response } from 'express'
import { accountMain } from './account-page.ts'
import type { Demo } from './app.ts'
import { textOf, wantsPage } from './browser.ts'
import { html } from './html.ts'
import { layout } from './layout.ts'
import { panel } from './panel.ts'
import { loadOrders } from './upstream.ts'
import { wireRows } from './wire.ts'

interface Shown {
  problem?: string
  result?: string
}

export function accountRoutes(demo: Demo): Router {
  const { auth, baseUrl } = demo
  const router = Router()
  router.get('/', auth.requireAuth, async (req, res) => {
    res.send(await accountPage(demo, req, req.auth))
  })
  router.post('/orders', auth.requireAuth, async (req, res) => {
    try {
      const message = await loadOrders(baseUrl, await req.auth.getAccessToken())
      if (wantsPage(req)) res.send(await accountPage(demo, req, req.auth, { result: message }))
      else res.json({ message })
    } catch (err) {
      await showProblem(demo, err, { req, res, auth: req.auth })
    }
  })
  router.post('/sessions/revoke-all', auth.requireAuth, async (req, res) => {
    await auth.sessions.revokeAll(req.auth.sub, { except: req.auth.sessionId })
    await req.auth.logout()
    res.redirect(303, '/login')
  })
  router.post('/sessions/:id/revoke', auth.requireAuth, async (req, res) => {
    const { id } = req.params
    if (id === req.auth.sessionId) await req.auth.logout()
    else await auth.sessions.revoke(req.auth.sub, id)
    res.redirect(303, '/')
  })
  return router
}

interface Exchange {
  req: Request
  res: Response
  auth: RequestAuth
}

async function showProblem(demo: Demo, err: unknown, { req, res, auth }: Exchange): Promise<void> {
  if (!(err instanceof AuthError)) throw err
  res.status(err.status).set(err.headers)
  if (wantsPage(req)) res.send(await accountPage(demo, req, auth, { problem: err.message }))
  else res.json(err)
}

async function accountPage(demo: Demo, req: Request, auth: RequestAuth, shown: Shown = {}): Promise<string> {
  const { user, sub, authenticatedAt, sessionId } = auth
  const token = shown.problem === undefined ? await auth.getAccessToken().catch(() => undefined) : undefined
  const main = accountMain({
    ...{ sub, since: authenticatedAt, currentId: sessionId, tokenExpiresAt: token?.expiresAt, ...shown },
    name: user.name ?? user.email ?? sub,
    email: user.email,
    sessions: await demo.auth.sessions.list(sub),
  })
  const state = { back: '/', did: textOf(req.query.did), hasRedis: demo.redis !== undefined, isLoggedIn: true }
  const aside = html`${panel({ ...state, wire: wireRows(demo.emulator) })}`
  return layout({ title: 'Your account', main, aside })
}
