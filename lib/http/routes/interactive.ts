import type { Request, RequestHandler } from 'express'
import type { Hint } from '../../events.js'
import type { InteractiveLogin } from '../../flows/interactive-login.js'
import type { Config } from '../../options/options.js'
import type { Interactive } from '../../options/browser-ways.js'
import type { PendingCookie } from '../../pending/pending-cookie.js'
import type { Sessions } from '../../session/sessions.js'
import { AuthError } from '../../errors.js'
import type { Limits } from '../guards/limits.js'
import type { LoginUrl } from '../login-url.js'
import { placeOf, setCookie } from '../place.js'
import { returnTarget } from '../return-to.js'
import type { SendError } from '../send-error.js'
import { whoAsks } from '../who-asks.js'
import { answering } from './answering.js'

export interface InteractiveRoutesParts {
  config: Config
  interactive: Interactive
  interactiveLogin: InteractiveLogin
  sessions: Sessions
  browserCookie: PendingCookie
  limits: Limits
  loginUrl: LoginUrl
  sendError: SendError
  hint: Hint
}

/** `GET /login`: redirects to Auth0. */
export function beginLogin(parts: InteractiveRoutesParts): RequestHandler {
  const { config, interactive, interactiveLogin, sessions, browserCookie, limits, sendError, hint } = parts
  return answering(sendError, async (req, res) => {
    const place = placeOf(req, config, hint)
    await limits.begin({ req, res })
    const { state } = await sessions.present(req)
    const known = browserCookie.read(req)[0]
    const browser = known?.id ?? browserCookie.newId()
    const url = await interactiveLogin.begin(browser, {
      redirectUri: `${interactive.origin}${req.baseUrl}/callback`,
      returnTo: returnTarget(req.query.return_to, config.pages?.afterLogin),
      loginHint: textOf(req.query.login_hint),
      connection: textOf(req.query.connection),
      // Whoever is logged in already wants to confirm the password, as `requireRecentLogin` asks.
      prompt: state === 'live' ? 'login' : undefined,
    })
    if (!known) res.appendHeader('Set-Cookie', browserCookie.set(browser, place.isSecure))
    res.redirect(302, url)
  })
}

/** `GET /callback`: creates the session and redirects to `return_to`. */
export function finishLogin(parts: InteractiveRoutesParts): RequestHandler {
  const { config, interactive, interactiveLogin, browserCookie, loginUrl, sendError, hint } = parts
  return answering(sendError, async (req, res) => {
    const finished = interactiveLogin.finish({
      url: withQueryOf(req, interactive.origin),
      browsers: browserCookie.read(req).map(({ id }) => id),
      place: placeOf(req, config, hint),
      who: whoAsks(req),
    })
    const { signedIn, returnTo } = await finished.catch((err: unknown) => {
      if (err instanceof AuthError) loginUrl.addTo(err, { baseUrl: req.baseUrl })
      throw err
    })
    setCookie(res, signedIn)
    res.redirect(302, returnTo)
  })
}

/** Uses only the query, because a URL parser may reject the rest. */
function withQueryOf({ originalUrl }: Request, origin: string): URL {
  const url = new URL(origin)
  url.search = /\?.*/.exec(originalUrl)?.[0] ?? ''
  return url
}

const HINT_LIMIT = 320

function textOf(value: Request['query'][string]): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= HINT_LIMIT ? value : undefined
}
