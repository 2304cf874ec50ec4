import type { IncomingMessage } from 'node:http'
import type { Auth0Client } from '../auth0/client.js'
import type { VerifyLogoutToken } from '../auth0/logout-token.js'
import type { GrantParts } from '../auth0/verified-grant.js'
import type { Hint, Report } from '../events.js'
import type { Config } from '../options/options.js'
import { createMfaLogins } from '../pending/mfa-logins.js'
import type { PendingCookie } from '../pending/pending-cookie.js'
import { createTransactions } from '../pending/transactions.js'
import { createUsedTokens } from '../pending/used-tokens.js'
import type { Seal } from '../session/seal.js'
import type { Sessions } from '../session/sessions.js'
import type { Records } from '../store/records.js'
import { createBackchannelLogout } from './backchannel-logout.js'
import { createDatabaseAccounts } from './database-accounts.js'
import { createAdoptGrant, createFreshToken } from './fresh-token.js'
import { createInteractiveLogin } from './interactive-login.js'
import { createLogoutUrl } from './logout-url.js'
import { createMfaFlow } from './mfa.js'
import { createOpenSession } from './open-session.js'
import { createRefreshTokens } from './refresh-tokens.js'
import type { Revoke } from './revoke-later.js'
import { createUserSessions } from './revoke-sessions.js'
import { createSignIn } from './sign-in.js'
import { createSignOut } from './sign-out.js'
import { createStoreTokens } from './store-tokens.js'

export interface FlowsParts {
  config: Config
  auth0: Auth0Client
  password: GrantParts
  verifyLogoutToken: VerifyLogoutToken
  records: Records
  sessions: Sessions
  prefix: string
  seal: Seal
  report: Report
  hint: Hint
  revoke: Revoke
  /** Identifies a login that is waiting for its second factor. */
  mfaCookie: PendingCookie
}

/** Connects all flows. */
export function createFlows(parts: FlowsParts) {
  const { config, password, sessions, report, hint, records, prefix, seal, revoke, mfaCookie } = parts
  const reported = { clock: config.clock, sessions, report }
  const openSession = createOpenSession({ config, sessions, revoke, hint })
  const transactions = createTransactions({ records, seal, prefix })
  const once = createUsedTokens({ records, prefix })
  const userSessions = createUserSessions(reported)
  const { vault, lock } = sessions
  const storeTokens = createStoreTokens(vault, revoke)
  const refresh = createRefreshTokens({ ...parts, vault, storeTokens })
  const adoptGrant = createAdoptGrant({ config, vault, lock, refresh, revoke })
  const logins = createMfaLogins({ records, seal, prefix })
  const endPending = async (req: IncomingMessage) => {
    await Promise.all(mfaCookie.read(req).map(({ id }) => logins.end(id)))
  }
  const mfa = createMfaFlow({ ...parts, newId: mfaCookie.newId, logins, openSession, adoptGrant })
  return {
    mfa,
    userSessions,
    signIn: createSignIn({ ...parts, openSession, mfa }),
    signOut: createSignOut({ ...reported, endPending }),
    logoutUrl: createLogoutUrl(password),
    interactiveLogin: createInteractiveLogin({ config, password, sessions, transactions, openSession, report }),
    backchannelLogout: createBackchannelLogout({ verify: parts.verifyLogoutToken, once, userSessions }),
    accounts: createDatabaseAccounts(password),
    freshToken: createFreshToken({ config, vault, lock, refresh, hint, needsMfa: mfa.beginForSession }),
    finishRefreshes: refresh.drain,
  }
}

export type Flows = ReturnType<typeof createFlows>
