import type { Answer } from './answer.js'
import { callbackWithError } from './authorize-endpoint.js'
import { textParam } from './body.js'
import { succeed, type AuthorizationRequest } from './browser-logins.js'
import type { Call, Endpoint } from './endpoints.js'
import { errorPage, loginPage } from './pages.js'
import { authenticate } from './password-grants.js'
import { Refusal } from './refusal.js'
import type { StoredUser } from './types.js'
import { checkUser } from './user-checks.js'
import type { World } from './world.js'

/** `/u/login`: page and form. Users with `mfa` log in directly, because there is no page for the second factor. */
export function loginPageEndpoint(world: World): Endpoint {
  return {
    methods: ['GET', 'POST'],
    answer(call): Answer {
      const form = readForm(call)
      const request = world.browser.pending.get(form.state)
      if (!request) return errorPage(400, 'This login page has expired. Please go back to the application.')
      if (call.record.method === 'GET')
        return { status: 200, body: loginPage({ ...form, username: request.loginHint }) }
      try {
        return logIn(world, call, { ...form, request })
      } catch (err) {
        return endsLogin(err) ? callbackWithError(request, err) : pageWithProblem(form, err)
      }
    },
  }
}

interface LoginForm {
  /** Identifies the pending login. */
  state: string
  username: string
  password: string
}

function readForm({ params }: Call): LoginForm {
  const field = (name: string) => textParam(params, name) ?? ''
  return { state: field('state'), username: field('username'), password: field('password') }
}

function logIn(world: World, call: Call, form: LoginForm & { request: AuthorizationRequest }): Answer {
  const { browser } = world
  const user = identify(world, call, form)
  const { session, cookie } = browser.sessions.start(user.sub, call.headers.cookie)
  browser.pending.take(form.state)
  const answer = succeed(browser, form.request, session)
  return { ...answer, headers: { ...answer.headers, 'set-cookie': cookie } }
}

/** Browsers can handle what a password grant cannot: captchas, second factors, and Action redirects. */
function identify(world: World, call: Call, form: LoginForm & { request: AuthorizationRequest }): StoredUser {
  const { username, password, request } = form
  const address = call.record.clientIp
  const user = authenticate(world, {
    username,
    password,
    connection: request.connection,
    address,
    canShowCaptcha: true,
  })
  checkUser({ ...user, interactionRequired: false, mfa: false }, password)
  return user
}

/** Errors that go to the application, because another password would not help. */
function endsLogin(err: unknown): boolean {
  if (!(err instanceof Refusal)) return true
  const { error } = err.answer.body as { error: string }
  return error === 'unauthorized' || error === 'access_denied'
}

function pageWithProblem({ state, username }: LoginForm, err: unknown): Answer {
  const { status, body } = (err as Refusal).answer
  const { error_description: problem } = body as { error_description: string }
  return { status: status === 429 ? status : 400, body: loginPage({ state, username, problem }) }
}
