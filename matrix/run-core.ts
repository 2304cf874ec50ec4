import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface CoreResult {
  node: string
  express: string
  ioredis: string
  passed: number
  failed: number
  /** Output of the program. */
  output: string
}

export interface CoreRun {
  /** Path of the Node binary. */
  node: string
  /** Path of core.mjs. */
  program: string
  /** ioredis options, or the nodes of a Cluster. */
  redis: object
}

const OWN_SETTINGS = /^(?:AUTH0_.*|SESSION_SECRET|REDIS_URL|NODE_ENV|NODE_OPTIONS)$/

/** Runs the core program. A program that ends without a result counts as one failure. */
export async function runCore({ node, program, redis }: CoreRun): Promise<CoreResult> {
  const inherited = Object.entries(process.env).filter(([name]) => !OWN_SETTINGS.test(name))
  const env = { ...Object.fromEntries(inherited), CORE_REDIS: JSON.stringify(redis) }
  const child = spawn(node, [program], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const output = stdout + stderr
  const last = stdout.trim().split('\n').at(-1) ?? ''
  if (!last.startsWith('{')) return { node: '?', express: '?', ioredis: '?', passed: 0, failed: 1, output }
  return { ...(JSON.parse(last) as Omit<CoreResult, 'output'>), output }
}
