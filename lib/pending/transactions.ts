import type { Seal } from '../session/seal.js'
import type { Records } from '../store/records.js'

/** A stored interactive login, until the browser returns from Auth0. */
export interface Transaction {
  nonce: string
  codeVerifier: string
  redirectUri: string
  scope: string
  audience: string | undefined
  returnTo: string
  /** Milliseconds on the clock of the store. */
  began: number
}

export interface TransactionsParts {
  records: Records
  seal: Seal
  prefix: string
}

/** Milliseconds. */
const LIFETIME = 600_000
/** Per browser. One more login removes the oldest. */
const MOST = 5

const TRANSACTION = 'x'

/** Checked by the caller too, in case the store uses another clock. */
export const isOver = ({ began }: Transaction, now: number) => now - began > LIFETIME

/** Pending interactive logins, kept on the server so that abandoned ones do not pile up in cookies. */
export function createTransactions({ records, seal, prefix }: TransactionsParts) {
  const listOf = (browser: string) => `${prefix}x:${browser}`
  const keyOf = (browser: string, state: string) => `${listOf(browser)}:${state}`

  return {
    begin: async (browser: string, state: string, transaction: Transaction) => {
      const key = keyOf(browser, state)
      const sealed = seal.close(transaction, key)
      await records.create(key, { [TRANSACTION]: sealed }, { idle: LIFETIME, absolute: LIFETIME })
      const since = await records.now()
      const entry = { name: state, value: String(since), since, ttl: LIFETIME }
      if ((await records.enlist(listOf(browser), entry)) <= MOST) return
      const all = Object.entries(await records.listed(listOf(browser)))
      const oldest = all
        .sort(([, a], [, b]) => Number(a) - Number(b))
        .slice(0, Math.max(0, all.length - MOST))
        .map(([name]) => name)
      await Promise.all(oldest.map((name) => records.end(keyOf(browser, name), [TRANSACTION])))
      await records.delist(listOf(browser), oldest)
    },
    /** Removes the login, so that a repeated callback finds nothing. */
    take: async (browser: string, state: string): Promise<Transaction | undefined> => {
      const key = keyOf(browser, state)
      const ended = await records.end(key, [TRANSACTION])
      if (typeof ended === 'string') return undefined
      // A leftover entry expires with the list, so the login need not fail.
      await records.delist(listOf(browser), [state]).catch(() => undefined)
      const [sealed] = ended
      return sealed && (seal.open(sealed, key) as Transaction | undefined)
    },
  }
}

export type Transactions = ReturnType<typeof createTransactions>
