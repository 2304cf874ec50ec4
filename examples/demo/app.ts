import { createRopgAuth, type AuthError, type RopgAuth, type RopgAuthOptions } from 'express-auth0-ropg'
import type { Auth0Emulator } from 'express-auth0-ropg/testing'
import express, { type Express, type Request, type Response } from 'express'
import { fileURLToPath } from 'node:url'
import { apiReference } from './api-reference.ts'
import { accountRoutes } from './account-routes.ts'
import { sameOriginOnly, securityHeaders, wantsPage, withQuery } from './browser.ts'
import { controlRoutes } from './control-routes.ts'
import { html } from './html.ts'
import { layout } from './layout.ts'
import { loginRoutes } from './login-routes.ts'
import { rememberPhone } from './phone.ts'
import type { RedisSwitch } from './redis-switch.ts'
import { AUDIENCE, ordersApi } from './upstream.ts'

export interface DemoParts {
  emulator: Auth0Emulator
  baseUrl: string
  secret: string
  /** Undefined to keep sessions in memory. */
  redis?: RedisSwitch | undefined
  /** Overrides for the demo's options. */
  options?: RopgAuthOptions
}

export interface Demo extends DemoParts {
  auth: RopgAuth
}

/** An ordinary app: its own pages, plus the package. */
export function createDemo(parts: DemoParts): { app: Express; auth: RopgAuth } {
  const { emulator, baseUrl } = parts
  const auth = createRopgAuth(optionsFor(parts))
  const demo: Demo = { ...parts, auth }
  emulator.tenant.backchannelLogoutUrl = `${baseUrl}/api/auth/backchannel-logout`
  const app = express()
  app.disable('x-powered-by')
  app.use(securityHeaders(emulator.domain))
  app.use('/assets', express.static(fileURLToPath(new URL('public', import.meta.url))))
  app.post('/api/auth/login', express.urlencoded({ extended: false }), express.json(), rememberPhone(emulator))
  app.use('/api/auth', auth.router)
  app.use('/api-reference', apiReference())
  app.use('/upstream', ordersApi(emulator.domain))
  app.use(sameOriginOnly, express.urlencoded({ extended: false }))
  app.use(loginRoutes(demo), accountRoutes(demo), controlRoutes(demo))
  return { app, auth }
}

function optionsFor({ emulator, baseUrl, secret, redis, options }: DemoParts): RopgAuthOptions {
  const { domain, clientId, clientSecret, clock } = emulator
  return {
    ...{ domain, clientId, clientSecret, redis: redis?.url },
    // Shares the emulator's clock, so that the demo can expire a token.
    clock,
    audience: AUDIENCE,
    scope: 'openid profile email offline_access',
    session: { secret },
    mfa: 'api',
    interactive: { baseUrl },
    ...{ signup: true, passwordReset: true, backchannelLogout: true, exposeDeniedReason: true },
    recoveryUrl: '/password-reset',
    pages: { login: '/login', afterLogin: '/', afterLogout: '/login' },
    logger: false,
    onError: showError,
    ...options,
  }
}

/** Sends pages to browsers and JSON to the script. */
function showError(err: AuthError, req: Request, res: Response): void {
  if (!wantsPage(req)) {
    res.status(err.status).json(err)
    return
  }
  if (err.status === 401) {
    res.redirect(303, withQuery('/login', { error: err.code }))
    return
  }
  const main = html`<h1>That did not work</h1>
    <p role="alert" tabindex="-1" autofocus>${err.message}</p>
    <p><a class="button" href="/">Try again</a></p>`
  res.status(err.status).send(layout({ title: 'That did not work', main }))
}
