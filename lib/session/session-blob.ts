import type { SessionData } from 'express-session'
import type { Login } from './login.js'

/** What the store holds of a session: the JSON of all but the cookie; '' where it was only read. */
const STORED = Symbol('stored')

/** Marks a session that the store holds. (A WeakSet of all would cost more than all the rest of a session.) */
export function markStored(session: object, content = ''): void {
  Object.defineProperty(session, STORED, { value: content, configurable: true })
}

/** True for a session that was read from the store or written to it. */
export function isStored(session: object): boolean {
  return STORED in session
}

/** True when just this was written already: express-session saves a new session twice, the second time as it ends. */
export function isStoredAs(session: object, content: string): boolean {
  return Reflect.get(session, STORED) === content
}

/** Session id for which a login was made. */
const MADE_FOR = Symbol('made for')

export function makeFor(login: Login, sid: string): void {
  Object.defineProperty(login, MADE_FOR, { value: sid })
}

/** True for a login that was put into this session, and not copied over from another. */
export function isMadeFor(login: Login, sid: string): boolean {
  return Reflect.get(login, MADE_FOR) === sid
}

/** The blob of a session, in two parts of JSON. The cookie's expiry moves on with each look and is no content. */
export function serialize({ cookie, ropg, ...data }: SessionData): { blob: string; content: string } {
  const content = JSON.stringify({ ...data, ...(ropg && { ropg: { ...ropg } }) })
  const rest = content === '{}' ? '' : `,${content.slice(1, -1)}`
  return { content, blob: `{"cookie":${JSON.stringify(cookie)}${rest}}` }
}

export function parseBlob(blob: string): SessionData | undefined {
  try {
    const data = JSON.parse(blob) as Partial<SessionData> | null
    return data?.cookie instanceof Object ? (data as SessionData) : undefined
  } catch {
    return undefined
  }
}

/**
 * A login that as JSON is its public name: express-session compares sessions by their JSON, twice a request or more, and
 * the claims of a login never change.
 */
export function abbreviated(login: Login): Login {
  return Object.assign(new Abbreviated(), login)
}

class Abbreviated {
  toJSON(this: Login): string {
    return this.handle
  }
}
