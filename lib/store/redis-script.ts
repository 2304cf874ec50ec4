import { createHash } from 'node:crypto'
import type { RedisClient } from './redis-client.js'

/** Script -> the name by which the server knows it. */
const names = new Map<string, string>()

/** Runs a Lua script on one key; texts in its reply are bytes. Servers that have forgotten it (restart, failover) get it again. */
export async function runScript(client: RedisClient, script: string, { key, args }: ScriptInput): Promise<unknown> {
  const commands = client as unknown as ByteScripts
  try {
    return await commands.evalshaBuffer(nameOf(script), 1, key, ...args)
  } catch (err) {
    if (!String((err as { message?: unknown }).message).startsWith('NOSCRIPT')) throw err
    return commands.evalBuffer(script, 1, key, ...args)
  }
}

/** ioredis has them, and its types do not. */
type ByteScripts = Record<'evalshaBuffer' | 'evalBuffer', (...args: (string | number | Buffer)[]) => Promise<unknown>>

interface ScriptInput {
  key: string
  args: (string | Buffer)[]
}

function nameOf(script: string): string {
  const name = names.get(script) ?? createHash('sha1').update(script).digest('hex')
  names.set(script, name)
  return name
}
