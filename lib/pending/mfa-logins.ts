import { createHash, randomUUID } from 'node:crypto'
import type { Seal } from '../session/seal.js'
import type { Records } from '../store/records.js'

/** What is remembered of a login or a refresh that waits for a second factor. */
export interface MfaLogin {
  mfaToken: string
  username: string
  /** Of the grant that asked for it. */
  scope: string
  audience: string | undefined
  remember: boolean
  /** Milliseconds on the clock of the store, from before the password was checked. */
  since: number
  /** Id of the session that was to be refreshed; undefined for a login. */
  sessionId?: string
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
const MOST_WRONG_CODES = 5

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

  return {
    begin: (id: string, login: MfaLogin) =>
      records.create(
        keyOf(id),
        { ...fieldsOf(id, login), [COUNT]: `0.${randomUUID()}` },
        {
          idle: LIFETIME,
          absolute: LIFETIME,
        },
      ),
    find: async (id: string) => opened(id, (await records.read(keyOf(id), [LOGIN]))?.values[0]),
    update: (id: string, login: MfaLogin) => records.write(keyOf(id), fieldsOf(id, login)),
    /** Counts an attempt before Auth0 judges it, so that many at once are no more than one after the other. */
    attempt: async (id: string) => (await count(records, keyOf(id), 1)) !== undefined,
    /** Takes an attempt back that was not a wrong code. */
    giveBack: (id: string) => count(records, keyOf(id), -1),
    /** Whether a wrong code was the last one. */
    isSpent: async (id: string) => {
      const held = (await records.read(keyOf(id), [COUNT]))?.values[0]?.toString()
      return held === undefined || parseInt(held) >= MOST_WRONG_CODES
    },
    /** Ends it for the first of those who have finished it; false for all others, also after it has ended. */
    finish: async (id: string, { mfaToken }: MfaLogin) => {
      const token = createHash('sha256').update(mfaToken).digest('base64url')
      const first = await records.claim(`${prefix}m:finished:${token}`, 'finished', LIFETIME)
      await records.end(keyOf(id), [LOGIN])
      return first
    },
    end: (id: string) => records.end(keyOf(id), [LOGIN]),
  }
}

/** Undefined where there is no such login, or it has no attempt left. */
async function count(records: Records, key: string, by: 1 | -1): Promise<number | undefined> {
  for (;;) {
    const held = (await records.read(key, [COUNT]))?.values[0]?.toString()
    const next = parseInt(held ?? '') + by
    if (held === undefined || next > MOST_WRONG_CODES) return undefined
    // Never the same text twice: of two who count at once one must see a conflict.
    const fields = { [COUNT]: `${String(next)}.${randomUUID()}` }
    if ((await records.write(key, fields, { field: COUNT, head: held })) === 'done') return next
  }
}

export type MfaLogins = ReturnType<typeof createMfaLogins>
