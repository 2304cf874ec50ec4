import type { Logger } from '../events.js'
import type { Config } from './options.js'

/** Cookie -> number of open instances in this process that use it. */
const inUse = new Map<string, number>()

/** Warns if two open instances set the same cookie. Returns a function to call when the instance closes. */
export function useCookie({ name, path, domain = '' }: Config['session']['cookie'], logger?: Logger): () => void {
  const cookie = JSON.stringify([name, path, domain.toLowerCase().replace(/^\./, '')])
  const users = inUse.get(cookie) ?? 0
  inUse.set(cookie, users + 1)
  if (users === 1) logger?.warn({ option: 'session.cookie.name', cookie: name }, SHARED)
  return () => {
    const left = (inUse.get(cookie) ?? 1) - 1
    if (left > 0) inUse.set(cookie, left)
    else inUse.delete(cookie)
  }
}

const SHARED =
  'two open instances in this process use a session cookie with the same name, path and domain, so a login to one ' +
  'replaces the login to the other: set a different session.cookie.name, or close the instance that you no longer use'
