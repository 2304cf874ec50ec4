import { randomUUID } from 'node:crypto'
import type { Seal } from '../session/seal.js'
import type { Records } from '../store/records.js'

/** What is remembered of a login or a refresh that waits for a second factor. */
export interface MfaLogin {
  mfaToken: string
  username: string
  /** If true, events never show it in plain text. */
  resemblesPassword?: boolean | undefined
  /** From the grant that required it. */
  scope: string
  audience: string | undefined
  remember: boolean
  /** Milliseconds on the clock of the store, from before the password was checked. */
  since: number
  /** Id of the session that was to be refreshed; undefined for a login. */
  sessionId?: string
  /** What its refresh was for. */
  wanted?: { audience?: string | undefined; scope?: string | undefined }
  /** Of the last challenge or enrollment. */
  oobCode?: string | undefined
  /** Whether a code was sent that the user has to enter. */
  prompts?: boolean | undefined
}

export interface MfaLoginsParts {
  records: Records
  seal: Seal
  prefix: string
}

/** Milliseconds. Auth0's `mfa_token` lives as long. */
const LIFETIME = 300_000
const LIFE = { idle: LIFETIME, absolute: LIFETIME }
const MOST_WRONG_CODES = 5
/** Count of a login that only requests already in progress can still finish. */
const OVER = 1000

const LOGIN = 'm'
const COUNT = 'n'

/** Logins that wait for a second factor, sealed, for 5 minutes, each until one right code or five wrong ones. */
export function createMfaLogins({ records, seal, prefix }: MfaLoginsParts) {
  const keyOf = (id: string) => `${prefix}m:${id}`
  const contextOf = (id: string) => `${keyOf(id)}#mfa`
  const fieldsOf = (id: string, login: MfaLogin) => ({ [LOGIN]: seal.close(JSON.stringify(login), contextOf(id)) })
  const opened = (id: string, value: Buffer | undefined) => {
    const text = value && seal.open(value, contextOf(id))
    return text === undefined ? undefined : (JSON.parse(text) as MfaLogin)
  }

  /** Undefined if there is no such login, or no attempts are left. */
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
    /** Counts an attempt before Auth0 judges it, so that parallel attempts count like sequential ones. */
    attempt: async (id: string) => (await count(id, 1)) !== undefined,
    /** Takes back an attempt that was not a wrong code. */
    giveBack: (id: string) => count(id, -1),
    /** Whether a wrong code was the last one. */
    isSpent: async (id: string) => {
      const held = (await records.read(keyOf(id), [COUNT]))?.values[0]?.toString()
      return held === undefined || parseInt(held) >= MOST_WRONG_CODES
    },
    /** Hides the login. A request that is about to finish it still can, so that a double click does not lose it. */
    close: (id: string) => records.write(keyOf(id), { [COUNT]: countOf(OVER) }),
    /** Resolves to whether there was one. Of two callers, only one ends it. */
    end: async (id: string) => (await records.end(keyOf(id), [LOGIN])) !== undefined,
  }
}

/** Never the same text twice, so that one of two concurrent counts sees a conflict. */
const countOf = (count: number) => `${String(count)}.${randomUUID()}`

export type MfaLogins = ReturnType<typeof createMfaLogins>
