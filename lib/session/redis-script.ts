import { createHash } from 'node:crypto'
import type { RedisClient } from './redis-client.js'

/** Runs a Lua script on the keys it names. Servers that have forgotten the script (restart, failover) get it again. */
export async function runScript(client: RedisClient, script: string, { keys, args }: ScriptInput): Promise<unknown> {
  const sha = createHash('sha1').update(script).digest('hex')
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...args)
  } catch (err) {
    if (!String((err as { message?: unknown }).message).startsWith('NOSCRIPT')) throw err
    return client.eval(script, keys.length, ...keys, ...args)
  }
}

export interface ScriptInput {
  keys: string[]
  args: string[]
}
