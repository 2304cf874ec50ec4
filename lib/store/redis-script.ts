import { createHash } from 'node:crypto'
import type { RedisClient } from './redis-client.js'

/** Script -> the name by which the server knows it. */
const names = new Map<string, string>()

/** Runs a Lua script on the keys it names; texts in its reply are bytes. Servers that have forgotten the script (restart, failover) get it again. */
export async function runScript(client: RedisClient, script: string, { keys, args }: ScriptInput): Promise<unknown> {
  const sha = nameOf(script)
  const commands = client as unknown as ByteScripts
  try {
    return await commands.evalshaBuffer(sha, keys.length, ...keys, ...args)
  } catch (err) {
    if (!String((err as { message?: unknown }).message).startsWith('NOSCRIPT')) throw err
    return commands.evalBuffer(script, keys.length, ...keys, ...args)
  }
}

/** ioredis has them, and its types do not. */
type ByteScripts = Record<'evalshaBuffer' | 'evalBuffer', (...args: (string | number | Buffer)[]) => Promise<unknown>>

export interface ScriptInput {
  keys: string[]
  args: (string | Buffer)[]
}

function nameOf(script: string): string {
  const known = names.get(script)
  if (known !== undefined) return known
  const name = createHash('sha1').update(script).digest('hex')
  names.set(script, name)
  return name
}
