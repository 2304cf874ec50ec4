import { randomUUID } from 'node:crypto'
import type { Seal } from '../session/seal.js'
import type { Records } from '../store/records.js'

/** A stored login or refresh that is waiting for a second factor. */
export interface MfaLogin {
  mfaToken: string
  username: string
  /** If true, events contain the username only as a hash. */
  resemblesPassword?: boolean | undefined
  /** Of the grant that required the second factor. */
  scope: string
  audience: string | undefined
  remember: boolean
  /** When the login began, before the password was checked, in milliseconds on the clock of the store. */
  since: number
  /** Id of the session to refresh. Undefined for a login. */
  sessionId?: string
  /** The token that the refresh was for. */
  wanted?: { audience?: string | undefined; scope?: string | undefined }
  /** From the last challenge or enrollment. */
  oobCode?: string | undefined
  /** Whether a code was sent that the user has to enter. */
  prompts?: boolean | undefined
}

export interface MfaLoginsParts {
  records: Records
  seal: Seal
  prefix: string
}

/** Milliseconds, the same as for Auth0's `mfa_token`. */
const LIFETIME = 300_000
const LIFE = { idle: LIFETIME, absolute: LIFETIME }
const MOST_WRONG_CODES = 5
/** Marks a login that only requests in progress can still finish. */
const OVER = 1000

const LOGIN = 'm'
const COUNT = 'n'

/** Logins that are waiting for a second factor. Each lasts 5 minutes, one correct code, or five wrong codes. */
export function createMfaLogins({ records, seal, prefix }: MfaLoginsParts) {
  const keyOf = (id: string) => `${prefix}m:${id}`
  const contextOf = (id: string) => `${keyOf(id)}#mfa`
  const fieldsOf = (id: string, login: MfaLogin) => ({ [LOGIN]: seal.close(login, contextOf(id)) })
  const opened = (id: string, value: Buffer | undefined) =>
    value && (seal.open(value, contextOf(id)) as MfaLogin | undefined)

  /** Undefined if the login does not exist or has no attempts left. */
  const count = async (id: string, by: 1 | -1): Promise<number | undefined> => {
    for (;;) {
      const held = (await records.read(keyOf(id), [COUNT]))?.values[0]?.toString()
      const next = parseInt(held ?? '') + by
      if (held === undefined || next > MOST_WRONG_CODES) return undefined
      const fields = { [COUNT]: countOf(next) }
      if ((await records.write(keyOf(id), fields, { field: COUNT, head: held })) === 'done') return next
    }
  }

  return {
    begin: (id: string, login: MfaLogin) =>
      records.create(keyOf(id), { ...fieldsOf(id, login), [COUNT]: countOf(0) }, LIFE),
    find: async (id: string) => {
      const [login, held] = (await records.read(keyOf(id), [LOGIN, COUNT]))?.values ?? []
      return parseInt(String(held)) < OVER ? opened(id, login) : undefined
    },
    update: (id: string, login: MfaLogin) => records.write(keyOf(id), fieldsOf(id, login)),
    /** Counts an attempt before Auth0 checks it, so that parallel attempts cannot exceed the limit. */
    attempt: async (id: string) => (await count(id, 1)) !== undefined,
    /** Takes back an attempt without a wrong code. */
    giveBack: (id: string) => count(id, -1),
    /** Whether no attempts are left. */
    isSpent: async (id: string) => {
      const held = (await records.read(keyOf(id), [COUNT]))?.values[0]?.toString()
      return held === undefined || parseInt(held) >= MOST_WRONG_CODES
    },
    /** Hides the login. A request in progress can still finish it, so that a double click does no harm. */
    close: (id: string) => records.write(keyOf(id), { [COUNT]: countOf(OVER) }),
    /** Resolves to true for one caller only. */
    end: async (id: string) => typeof (await records.end(keyOf(id), [LOGIN])) !== 'string',
  }
}

/** Unique, so that one of two concurrent counts gets a conflict. */
const countOf = (count: number) => `${String(count)}.${randomUUID()}`

export type MfaLogins = ReturnType<typeof createMfaLogins>
