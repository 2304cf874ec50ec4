import { parse, serialize } from 'cookie'
import { opaqueToken } from './token-minter.js'
import type { EmulatorClock } from './types.js'

const COOKIE = 'auth0'
const ATTRIBUTES = { httpOnly: true, path: '/', sameSite: 'lax' } as const
const IDLE_MS = 3 * 86_400_000
const ABSOLUTE_MS = 7 * 86_400_000

/** A browser session at the tenant, shared by all logins of that browser (SSO). */
export interface BrowserSession {
  sid: string
  sub: string
  /** Epoch milliseconds. */
  authenticatedAt: number
}

interface StoredSession extends BrowserSession {
  startedAt: number
  lastUsedAt: number
}

/** Browser sessions at the tenant, by cookie. */
export class BrowserSessions {
  readonly #clock: EmulatorClock
  readonly #sessions = new Map<string, StoredSession>()

  constructor(clock: EmulatorClock) {
    this.#clock = clock
  }

  find(cookies: string | undefined): BrowserSession | undefined {
    const now = this.#clock.now()
    const session = this.#sessions.get(keyIn(cookies))
    if (!session || now >= session.startedAt + ABSOLUTE_MS || now >= session.lastUsedAt + IDLE_MS) return undefined
    session.lastUsedAt = now
    return session
  }

  /** Sets a new cookie, but keeps the `sid` if the same user logs in again. */
  start(sub: string, cookies: string | undefined): { session: BrowserSession; cookie: string } {
    const previous = this.find(cookies)
    this.#sessions.delete(keyIn(cookies))
    const now = this.#clock.now()
    const sid = previous?.sub === sub ? previous.sid : opaqueToken()
    const session = { sid, sub, authenticatedAt: now, startedAt: now, lastUsedAt: now }
    const key = opaqueToken()
    this.#sessions.set(key, session)
    return { session, cookie: serialize(COOKIE, key, ATTRIBUTES) }
  }

  end(cookies: string | undefined): string {
    this.#sessions.delete(keyIn(cookies))
    return serialize(COOKIE, '', { ...ATTRIBUTES, maxAge: 0 })
  }
}

function keyIn(cookies: string | undefined): string {
  return parse(cookies ?? '')[COOKIE] ?? ''
}
