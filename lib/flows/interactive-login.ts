import { beginInteractive, finishInteractive } from '../auth0/interactive.js'
import type { PasswordGrantParts } from '../auth0/password-grant.js'
import { AuthError } from '../errors.js'
import type { Report } from '../events.js'
import { traced } from '../telemetry.js'
import type { Config } from '../options/options.js'
import { isOver, type Transaction, type Transactions } from '../pending/transactions.js'
import type { Place } from '../session/establish.js'
import type { Sessions } from '../session/sessions.js'
import type { OpenSession, SignedIn } from './open-session.js'
import type { WhoAsks } from './who-asks.js'

export interface InteractiveParts {
  config: Config
  password: PasswordGrantParts
  sessions: Sessions
  transactions: Transactions
  openSession: OpenSession
  report: Report
}

export interface InteractiveStart {
  redirectUri: string
  returnTo: string
  loginHint?: string | undefined
  connection?: string | undefined
  /** `login` always asks for the password. */
  prompt?: 'login' | undefined
}

export interface Callback {
  /** URL that Auth0 redirected the browser to. */
  url: URL
  /** Browser ids from the cookies of the request. */
  browsers: readonly string[]
  place: Place
  who: WhoAsks
}

export interface Returned {
  signedIn: SignedIn
  returnTo: string
}

export type InteractiveLogin = ReturnType<typeof createInteractiveLogin>

/** Login on Auth0's own page. It creates the same kind of session as a password login. */
export function createInteractiveLogin(parts: InteractiveParts) {
  const { config, password, sessions, transactions } = parts
  return {
    /** Resolves to the URL of Auth0's login page. */
    begin: async (browser: string, { returnTo, ...start }: InteractiveStart): Promise<string> => {
      const { scope, audience } = config
      const { url, state, ...secrets } = await beginInteractive(password, { ...start, scope, audience })
      const { redirectUri } = start
      const began = await sessions.now()
      await transactions.begin(browser, state, { ...secrets, redirectUri, scope, audience, returnTo, began })
      return url
    },
    finish: async (callback: Callback): Promise<Returned> => {
      const { who } = callback
      const started = config.clock()
      try {
        const returned = await traced('auth.login', () => finish(parts, callback))
        const { sub, handle } = returned.signedIn.login
        const facts = { ...who, sub, sessionId: handle, durationMs: config.clock() - started }
        parts.report({ name: 'login.succeeded', ...facts })
        return returned
      } catch (err) {
        const { code, auth0, detail } = err instanceof AuthError ? err : new AuthError('internal_error')
        const facts = { ...who, code, ...(auth0 && { auth0 }), detail, durationMs: config.clock() - started }
        parts.report({ name: 'login.failed', ...facts }, err)
        throw err
      }
    },
  }
}

async function finish(parts: InteractiveParts, callback: Callback): Promise<Returned> {
  const { password, sessions, openSession } = parts
  const { place, who, url } = callback
  const state = url.searchParams.get('state') ?? ''
  const transaction = await taken(parts.transactions, callback.browsers, state)
  const since = await sessions.now()
  if (!transaction || isOver(transaction, since))
    throw new AuthError('login_transaction_missing', { detail: NO_TRANSACTION })
  const { returnTo, began, ...secrets } = transaction
  const grant = await finishInteractive(password, { ...secrets, callback: url, state })
  const granted = { grant, wanted: transaction.scope, remember: false, who, since, began, interactive: true }
  return { signedIn: await openSession(place, granted), returnTo }
}

const NO_TRANSACTION =
  'a callback matches no pending login: it was already used, took longer than 10 minutes, or came from another ' +
  'browser; if this happens at every login, check that interactive.baseUrl is the origin where logins start'

async function taken(
  transactions: Transactions,
  browsers: readonly string[],
  state: string,
): Promise<Transaction | undefined> {
  if (!/^[\w-]{16,128}$/.test(state)) return undefined
  for (const browser of browsers) {
    const transaction = await transactions.take(browser, state)
    if (transaction) return transaction
  }
  return undefined
}
