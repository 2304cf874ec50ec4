import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from '@jest/globals'
import { build } from 'esbuild'
import type { Asked, Order, Told, WorkerSettings } from './worker.ts'

/** A separate process whose app has `GET /token`. */
export interface Worker {
  readonly pid: number
  readonly url: string
  /** Sends this many concurrent requests. */
  ask(cookie: string, more?: { times?: number; ahead?: number }): Promise<Asked[]>
  /** Resolves when all requests of the last order are waiting for their token. */
  waiting(): Promise<unknown>
  /** Resolves when the worker is at its stop. */
  stopped(): Promise<unknown>
  /** Sends SIGKILL and resolves when the process is gone. */
  kill(): Promise<void>
}

const running = new Set<ChildProcess>()
let folder = ''
let bundle = ''

/** Call once per test file that starts workers. A bundled file starts faster, which matters with 60 processes. */
export function useWorkers(): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'express-auth0-ropg-worker-'))
    bundle = join(folder, 'worker.cjs')
    const entryPoints = [join(__dirname, 'worker.ts')]
    await build({ entryPoints, outfile: bundle, bundle: true, platform: 'node', target: 'node20' })
  })
  afterEach(async () => {
    await Promise.all([...running].map(end))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
}

export async function startWorker(settings: WorkerSettings): Promise<Worker> {
  const child = fork(bundle, { env: { WORKER_SETTINGS: JSON.stringify(settings) }, execArgv: [] })
  running.add(child)
  const { url } = (await heard(child, 'ready')) as { url: string }
  return {
    ...{ pid: child.pid!, url },
    ask: async (cookie, { times = 1, ahead = 0 } = {}) => {
      const order: Order = { ask: times, cookie, ahead }
      child.send(order)
      const { answers } = (await heard(child, 'answers')) as { answers: Asked[] }
      return answers
    },
    waiting: () => heard(child, 'waiting'),
    stopped: () => heard(child, 'stopped', 'answers'),
    kill: () => end(child),
  }
}

async function end(child: ChildProcess): Promise<void> {
  running.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** Rejects if the worker sends `instead` first. */
function heard(child: ChildProcess, what: Told['told'], instead?: Told['told']): Promise<Told> {
  return new Promise((resolve, reject) => {
    const listen = (message: unknown) => {
      const told = message as Told
      if (told.told !== what && told.told !== instead) return
      child.off('message', listen)
      child.off('exit', complain)
      if (told.told === what) resolve(told)
      else reject(new Error(`the worker has not ${what}: ${JSON.stringify(told)}`))
    }
    const complain = () => {
      if (running.has(child)) reject(new Error(`the worker ended before it was ${what}`))
    }
    child.on('message', listen)
    child.on('exit', complain)
  })
}
