import { Router, type Request, type Response } from 'express'
import type { Demo } from './app.ts'
import { wantsPage, withQuery } from './browser.ts'
import { DONE } from './panel.ts'
import { phoneOwner } from './phone.ts'
import { wireRows } from './wire.ts'

const REDIS_OUTAGE = 5_000
const PAGES = ['/', '/login', '/signup', '/password-reset', '/verify']

/** The panel's buttons, which simulate production problems. */
export function controlRoutes({ auth, emulator, baseUrl, redis }: Demo): Router {
  const router = Router()
  router.get('/demo/wire', (_req, res) => {
    res.type('html').send(wireRows(emulator).markup)
  })
  router.post('/demo/auth0', (req, res) => {
    emulator.failNext({ status: 503, body: { error: 'temporarily_unavailable' } })
    done(req, res, 'auth0')
  })
  router.post('/demo/redis', (req, res) => {
    redis?.turnOff(REDIS_OUTAGE)
    done(req, res, 'redis')
  })
  router.post('/demo/expire', (req, res) => {
    emulator.clock.advance(emulator.tenant.accessTokenTtl)
    done(req, res, 'expire')
  })
  router.post('/demo/backchannel', auth.requireAuth, async (req, res) => {
    const logoutToken = await emulator.logoutToken({ sub: req.auth.sub })
    const body = new URLSearchParams({ logout_token: logoutToken })
    await fetch(`${baseUrl}/api/auth/backchannel-logout`, { method: 'POST', body })
    done(req, res, 'backchannel')
  })
  router.post('/demo/push', (req, res) => {
    const { answer } = req.body as { answer?: unknown }
    try {
      if (answer === 'deny') emulator.mfa.denyPush(phoneOwner(req) ?? '')
      else emulator.mfa.approvePush(phoneOwner(req) ?? '')
      done(req, res, 'push')
    } catch {
      refuse(req, res, 'The phone has no notification. Send one first.')
    }
  })
  return router
}

function done(req: Request, res: Response, did: string): void {
  if (wantsPage(req)) res.redirect(303, withQuery(backTo(req), { did }))
  else res.json({ message: DONE[did] })
}

function refuse(req: Request, res: Response, message: string): void {
  if (wantsPage(req)) res.redirect(303, '/verify')
  else res.status(409).json({ message })
}

function backTo({ body }: Request): string {
  const { back } = Object(body) as { back?: unknown }
  return PAGES.find((page) => page === back) ?? '/verify'
}
