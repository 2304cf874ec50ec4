// Runs the core on Node 24 against dist. The last line: N passed, N failed.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startRedis } from '../__tests__/support/redis-server.ts'
import { installNode } from './node-binary.ts'
import { runCore } from './run-core.ts'

const folder = mkdtempSync(join(tmpdir(), 'express-auth0-ropg-node24-'))
const program = fileURLToPath(new URL('core.mjs', import.meta.url))
const redis = await startRedis()
try {
  const node = installNode('24', folder)
  const result = await runCore({ node, program, redis: { host: '127.0.0.1', port: redis.port } })
  console.log(result.output)
  const isRight = result.node.startsWith('24.')
  console.log(isRight ? `Ran on Node ${result.node}` : `FAILED: ran on Node ${result.node} instead of Node 24`)
  const failed = result.failed + (isRight ? 0 : 1)
  console.log(`${String(result.passed)} passed, ${String(failed)} failed`)
  if (failed > 0) process.exitCode = 1
} finally {
  await redis.stop()
  rmSync(folder, { recursive: true, force: true })
}
