import type { Answer } from './answer.js'
import { firstUrl, isAllowedUrl, withoutQuery } from './allowed-urls.js'
import { textParam, type Params } from './body.js'
import { callback, redirect } from './browser-logins.js'
import type { BrowserSession } from './browser-sessions.js'
import type { Call, Endpoint } from './endpoints.js'
import { postLogoutToken, readIdTokenHint } from './logout-tokens.js'
import { errorPage, logoutPrompt, messagePage } from './pages.js'
import type { World } from './world.js'

/** `/oidc/logout`: RP-initiated logout. 404 if the tenant has it disabled. */
export function oidcLogoutEndpoint(world: World): Endpoint {
  return {
    methods: ['GET', 'POST'],
    async answer(call): Promise<Answer> {
      if (!world.tenant.rpLogout) return errorPage(404, 'Not found.')
      const { params, headers } = call
      const problem = problemWithClient(world, params) ?? problemWithReturn(world, params)
      const hint = await readHint(world, params)
      if (problem !== undefined || hint === undefined) return errorPage(400, problem ?? 'Invalid id_token_hint.')
      const session = world.browser.sessions.find(headers.cookie)
      if (mustAsk(world, call, { hint, session })) return { status: 200, body: logoutPrompt(textParams(params)) }
      if (session) await postLogoutToken(world.signing, session)
      return leave(world, call, returnTarget(world, params))
    },
  }
}

/** `/v2/logout`: Auth0's legacy logout. It neither asks the user nor notifies other applications. */
export function v2LogoutEndpoint(world: World): Endpoint {
  return {
    methods: ['GET'],
    answer(call): Answer {
      const { params } = call
      const problem = problemWithClient(world, params)
      if (problem !== undefined) return errorPage(400, problem)
      const returnTo = textParam(params, 'returnTo')
      if (returnTo !== undefined && !isAllowedWithoutQuery(returnTo, world.tenant.logoutUrls)) {
        return errorPage(400, `The "returnTo" querystring parameter "${returnTo}" is not defined as a valid URL`)
      }
      return leave(world, call, returnTo === undefined ? defaultTarget(world, params) : redirect(returnTo))
    },
  }
}

/** Ends the browser's session, if any. */
function leave({ browser }: World, { headers }: Call, target: Answer): Answer {
  return { ...target, headers: { ...target.headers, 'set-cookie': browser.sessions.end(headers.cookie) } }
}

function problemWithClient({ signing }: World, params: Params): string | undefined {
  const clientId = textParam(params, 'client_id')
  return clientId === undefined || clientId === signing.clientId ? undefined : `Unknown client: ${clientId}`
}

function problemWithReturn({ tenant }: World, params: Params): string | undefined {
  const url = textParam(params, 'post_logout_redirect_uri')
  if (url === undefined || isAllowedUrl(url, tenant.logoutUrls)) return undefined
  return `The post_logout_redirect_uri "${url}" is not an allowed logout URL`
}

function isAllowedWithoutQuery(url: string, allowed: readonly string[]): boolean {
  return isAllowedUrl(withoutQuery(url), allowed.map(withoutQuery))
}

/** The session that the request names, if any. Undefined if its parameters are invalid or contradict each other. */
async function readHint({ signing }: World, params: Params): Promise<{ sid: string | undefined } | undefined> {
  const idToken = textParam(params, 'id_token_hint')
  const sid = textParam(params, 'logout_hint')
  if (idToken === undefined) return { sid: textParam(params, 'client_id') === undefined ? undefined : sid }
  const claims = await readIdTokenHint(signing, idToken)
  if (!claims || (sid !== undefined && sid !== claims.sid)) return undefined
  return { sid: claims.sid }
}

interface Logout {
  hint: { sid: string | undefined }
  session: BrowserSession | undefined
}

function mustAsk({ tenant }: World, { params, record }: Call, { hint, session }: Logout): boolean {
  const isConfirmed = record.method === 'POST' && textParam(params, 'confirmed') === 'yes'
  const isCertain = hint.sid !== undefined && hint.sid === session?.sid
  return tenant.logoutPrompt && !isConfirmed && !isCertain
}

function returnTarget(world: World, params: Params): Answer {
  const redirectUri = textParam(params, 'post_logout_redirect_uri')
  if (redirectUri === undefined) return defaultTarget(world, params)
  return callback({ redirectUri, state: textParam(params, 'state') }, {})
}

/** The first Allowed Logout URL of the application, if the request names the application. */
function defaultTarget({ tenant }: World, params: Params): Answer {
  const first = textParam(params, 'client_id') === undefined ? undefined : firstUrl(tenant.logoutUrls)
  return first === undefined ? { status: 200, body: messagePage('You are logged out.') } : redirect(first)
}

function textParams(params: Params): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
