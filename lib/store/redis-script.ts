import { createHash } from 'node:crypto'
import type { RedisClient } from './redis-client.js'

/** Script -> SHA-1. */
const names = new Map<string, string>()

/** Runs a Lua script on one key. Strings in its reply are buffers. Sends it again after a restart or failover. */
export async function runScript(client: RedisClient, script: string, { key, args }: ScriptInput): Promise<unknown> {
  const commands = client as unknown as ByteScripts
  try {
    return await commands.evalshaBuffer(nameOf(script), 1, key, ...args)
  } catch (err) {
    if (!String((err as { message?: unknown }).message).startsWith('NOSCRIPT')) throw err
    return commands.evalBuffer(script, 1, key, ...args)
  }
}

/** Missing in the types of ioredis. */
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
