import type { Cluster, Redis } from 'ioredis'
import { createHash } from 'node:crypto'

export interface ScriptCall {
  key: string
  args: string[]
  /** Sends the call to the server. */
  run: () => Promise<unknown>
}

/** Intercepts a client's calls of one Lua script of the package. */
export function onScript<Client extends Redis | Cluster>(
  client: Client,
  script: string,
  meet: (call: ScriptCall) => Promise<unknown>,
): Client {
  const sha = createHash('sha1').update(script).digest('hex')
  type Call = (...args: unknown[]) => Promise<unknown>
  const own = (name: string) => (Reflect.get(client, name) as Call).bind(client)
  const bySha = own('evalshaBuffer')
  const meeting =
    (evaluate: Call) =>
    (...args: unknown[]) => {
      if (args[0] !== script) return evaluate(...args)
      const [, , key = '', ...others] = args.map(String)
      return meet({ key, args: others, run: () => evaluate(...args) })
    }
  return Object.assign(client, {
    // Sent as EVAL, so that each call appears only once.
    evalshaBuffer: (...args: unknown[]) =>
      args[0] === sha ? Promise.reject(new Error('NOSCRIPT No matching script')) : bySha(...args),
    eval: meeting(own('eval')),
    evalBuffer: meeting(own('evalBuffer')),
  })
}
