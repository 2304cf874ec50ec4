import type { Request } from 'express'
import { awaitsAnswer } from '../flows/check-awaited.js'
import type { SignedIn } from '../flows/open-session.js'
import type { Credentials } from '../flows/sign-in.js'
import type { Seal } from '../session/seal.js'

interface UnderWay {
  requests: Request[]
  outcome: Promise<SignedIn>
}

/** Runs a login, or shares the outcome if the same browser has already sent it. */
export type Share = (
  req: Request,
  credentials: Credentials,
  run: (isAwaited: () => boolean) => Promise<SignedIn>,
) => Promise<SignedIn>

/** Turns a double click into one grant and one session, within one process. */
export function createShared(seal: Seal): Share {
  const underWay = new Map<string, UnderWay>()
  return (req, credentials, run) => {
    // With a mounted session, express-session sends the cookie to its own request only.
    const isMounted = (req as { session?: unknown }).session !== undefined
    if (isMounted || !isBrowser(req)) return run(() => awaitsAnswer(req))
    const key = seal.blind(JSON.stringify([credentials, ...browserOf(req)]))
    const same = underWay.get(key)
    if (same) {
      same.requests.push(req)
      return same.outcome
    }
    const requests = [req]
    // A browser that submits a form again abandons the first request.
    const isAwaited = () => requests.some(awaitsAnswer)
    const outcome = run(isAwaited).finally(() => underWay.delete(key))
    underWay.set(key, { requests, outcome })
    return outcome
  }
}

/** Other clients may want two sessions. */
function isBrowser({ headers }: Request): boolean {
  return ['cookie', 'origin', 'sec-fetch-site'].some((name) => headers[name] !== undefined)
}

/** As far as a request identifies the browser. */
function browserOf(req: Request): unknown[] {
  const { cookie, origin, 'user-agent': agent } = req.headers
  return [req.ip, req.secure, cookie, origin, agent, req.baseUrl]
}
