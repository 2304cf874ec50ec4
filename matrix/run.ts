// Runs the core in every cell and writes the table of docs/compatibility.md.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPairs } from './cells.ts'
import { installNode } from './node-binary.ts'
import { redisServers, type RedisUnderTest } from './redis-servers.ts'
import { type CoreResult, runCore } from './run-core.ts'
import { type Cell, tableOf } from './table.ts'

const NODE = ['20.19', '22', '24']
const PAGE = fileURLToPath(new URL('../docs/compatibility.md', import.meta.url))
const MARKS = /(<!-- matrix -->\n)[^]*(<!-- \/matrix -->)/

const folder = mkdtempSync(join(tmpdir(), 'express-auth0-ropg-matrix-'))
const cells: Cell[] = []
const started = Date.now()
try {
  const nodes = NODE.map((version) => installNode(version, folder))
  const programs = installPairs(folder)
  const runs = nodes.flatMap((node) => programs.map((program) => ({ node, program })))
  for (const start of await redisServers()) await runOn(await start(), runs)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const failed = cells.filter((cell) => cell.failed > 0).length
const seconds = Math.round((Date.now() - started) / 1000)
const summary = `${String(cells.length)} combinations, ${String(failed)} failed, in ${String(seconds)} s.`
const page = readFileSync(PAGE, 'utf8')
writeFileSync(
  PAGE,
  page.replace(MARKS, (_all, open: string, end: string) => `${open}\n${tableOf(cells)}\n\n${end}`),
)
console.log(summary)
if (failed > 0) process.exitCode = 1

async function runOn(under: RedisUnderTest, runs: { node: string; program: string }[]): Promise<void> {
  try {
    // Two at a time, because more would need more cores.
    for (let at = 0; at < runs.length; at += 2) {
      await Promise.all(
        runs.slice(at, at + 2).map(async (run) => keep(under, await runCore({ ...run, redis: under.redis }))),
      )
    }
  } finally {
    await under.stop()
  }
}

function keep({ server, topology }: RedisUnderTest, result: CoreResult): void {
  const { node, express, ioredis, passed, failed: lost } = result
  cells.push({ server, topology, node, express, ioredis, passed, failed: lost })
  const where = `${server}, ${topology}, Node ${node}, Express ${express}, ioredis ${ioredis}`
  console.log(`${lost === 0 ? 'ok' : 'FAILED'}: ${where}`)
  if (lost > 0) console.log(result.output)
}
