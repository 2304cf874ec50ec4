import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import type { Redis } from 'ioredis'
import { isPinned } from './child.ts'

/** The environment of the measurement, as lines of Markdown. */
export async function describeMachine(redis: Redis): Promise<string[]> {
  const [cpu] = cpus()
  return [
    `- ${new Date().toISOString().slice(0, 10)}, commit ${commit()}`,
    `- CPU: ${cpu?.model ?? 'unknown'}, ${cpus().length} cores; memory: ${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    `- ${type()} ${release()}, Node ${process.version}, ${await redisVersion(redis)}`,
    `- ${isPinned() ? PINNED : 'Processes were not pinned (no taskset here), so they shared all CPUs.'}`,
  ]
}

const PINNED = 'Pinned: the contender on CPU 0; load, Redis and the Auth0 stub on CPU 1.'

/** All packages that are compared: those in bench/package.json and this one. */
export function describeVersions(): string {
  const ours = readManifest('../../package.json')
  const peers = Object.keys(readManifest('../package.json').dependencies ?? {}).map((name) =>
    readManifest(`../node_modules/${name}/package.json`),
  )
  return [ours, ...peers].map(({ name, version }) => `${name} ${version}`).join(', ')
}

interface Manifest {
  name: string
  version: string
  dependencies?: Record<string, string>
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as Manifest
}

async function redisVersion(redis: Redis): Promise<string> {
  const info = await redis.info('server')
  const name = info.includes('server_name:valkey') ? 'Valkey' : 'Redis'
  return `${name} ${/(?:valkey|redis)_version:(\S+)/.exec(info)?.[1] ?? 'unknown'}`
}

function commit(): string {
  try {
    const changes = git('status', '--porcelain', '--', '../../lib') && ' with changes in lib/'
    return git('rev-parse', '--short', 'HEAD') + changes
  } catch {
    return 'unknown'
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
}
