import type { Request } from 'express'
import type { Report } from '../../events.js'
import { nameOf } from '../../flows/user-name.js'
import type { Config, Limit } from '../../options/options.js'
import type { RouteLimits } from '../router.js'
import { credentialsOf } from '../routes/login.js'
import { waitingName } from '../routes/mfa.js'
import type { Seal } from '../../session/seal.js'
import type { SendError } from '../send-error.js'
import { whoAsks } from '../who-asks.js'
import { AttemptStore, type Evaluate } from './attempt-store.js'
import { limitRequests, subnetOf } from './rate-limit.js'

export interface LimitsParts {
  config: Config
  /** Begins every key; names the tenant. */
  prefix: string
  store: { evaluate: Evaluate | undefined }
  report: Report
  sendError: SendError
  /** Keys never hold names of users as they are. */
  seal: Seal
}

/** The limits of the routes, each with counters of its own, shared by all processes. */
export function createLimits(parts: LimitsParts): { routes: RouteLimits; shutdown: () => Promise<void> } {
  const { config, sendError, report, seal } = parts
  const { subnet, mfa, signup, reset } = config.limits
  const stores: AttemptStore[] = []
  const storeFor = (name: string, limit: Limit | false) => {
    const store = new AttemptStore(prefixOf(parts.prefix, name, limit), parts.store.evaluate)
    stores.push(store)
    return store
  }
  const limit = (name: string, allowed: Limit | false, more: Pick<LimitOf, 'keyOf'> & Partial<LimitOf>) =>
    limitRequests(allowed, { name, store: storeFor(name, allowed), sendError, ...more })
  const onLimit = (req: Request) => {
    report({ name: 'login.rate_limited', code: 'rate_limited', ...whoAsks(req), ...nameOf(credentialsOf(req), parts) })
  }
  const userOf = (req: Request) => {
    const name = waitingName(req)
    return name === undefined ? undefined : seal.blind(name.toLowerCase())
  }
  return {
    routes: {
      login: limit('login', subnet, { keyOf: subnetOf, onLimit }),
      mfa: limit('mfa', mfa, { keyOf: userOf, onLimit }),
      signup: limit('signup', signup, { keyOf: subnetOf }),
      reset: limit('reset', reset, { keyOf: subnetOf }),
    },
    shutdown: async () => {
      await Promise.all(stores.map((store) => store.shutdown()))
    },
  }
}

type LimitOf = Parameters<typeof limitRequests>[1]

/** Neither another tenant nor another limit counts on the same key. */
function prefixOf(prefix: string, name: string, allowed: Limit | false): string {
  const { limit, windowMs } = allowed || { limit: 0, windowMs: 0 }
  return `${prefix}rl:${name}:${windowMs}:${limit}:`
}
