import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { findRedisServer } from '../../scripts/find-redis.js'
import { freePort } from './ports.ts'

const READY_WITHIN = 10_000
const ATTEMPTS = 3

export interface StartRedisOptions {
  /** Default: a free port. */
  port?: number
  /** More server arguments, such as `['--requirepass', 'x']` or `['--cluster-enabled', 'yes']`. */
  args?: readonly string[]
  /** Default: `redis-server` or `valkey-server` from the PATH. */
  binary?: string
}

/** A private server on a loopback port. It writes nothing to disk and ends with the process that started it. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Process ID. Changes with `restart()`. */
  readonly pid: number
  /** Freezes the server: connections stay open, but get no response. */
  pause(): void
  resume(): void
  /** Kills the server, as in a crash. `restart()` brings it back. */
  kill(): Promise<void>
  /** Starts a new, empty server on the same port. */
  restart(): Promise<void>
  /** Stops the server for good. */
  stop(): Promise<void>
}

/** A program that runs until it is stopped, and no longer than this process. */
export interface RedisProcess {
  readonly pid: number
  end(): Promise<void>
}

interface Launch {
  binary: string
  args: readonly string[]
  /** Working directory, with its `redis.log`. */
  dir: string
  /** Log line that means the server is ready. A response on the port may come from another server. */
  ready: string
}

export async function startRedis(options: StartRedisOptions = {}): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'express-auth0-ropg-redis-'))
  const { port, launch, first } = await onSomePort(options, dir)
  let running = first
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return running.pid
    },
    pause: () => void process.kill(running.pid, 'SIGSTOP'),
    resume: () => void process.kill(running.pid, 'SIGCONT'),
    kill: () => running.end(),
    async restart() {
      await running.end()
      running = await launchRedis(launch)
    },
    async stop() {
      await running.end()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Another test run may take a free port first. */
async function onSomePort({ binary = requireBinary(), ...options }: StartRedisOptions, dir: string) {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    const args = commandLine(port, dir, options.args ?? [])
    const launch = { binary, dir, args, ready: 'Ready to accept connections' }
    try {
      return { port, launch, first: await launchRedis(launch) }
    } catch (cause) {
      const isTaken = (cause as Error).message.includes('Address already in use')
      if (!isTaken || options.port !== undefined || attempt === ATTEMPTS) throw cause
    }
  }
}

export function requireBinary(): string {
  const binary = findRedisServer()
  if (!binary) throw new Error('This test needs redis-server or valkey-server on the PATH.')
  return binary
}

export async function launchRedis(launch: Launch): Promise<RedisProcess> {
  await rm(join(launch.dir, 'redis.log'), { force: true })
  const child = spawn(launch.binary, launch.args, { stdio: 'ignore' })
  child.on('error', () => undefined)
  const { pid } = child
  if (pid === undefined) throw new Error(`${launch.binary} could not be started.`)
  const guard = guardOf(pid, launch.dir)
  child.unref()
  const end = async () => {
    guard.kill('SIGKILL')
    guard.stdin?.destroy()
    if (hasEnded(child)) return
    child.ref()
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  try {
    await untilReady(launch, child)
  } catch (cause) {
    await end()
    throw cause
  }
  return { pid, end }
}

function commandLine(port: number, dir: string, args: readonly string[]): string[] {
  const fixed = { port, dir, bind: '127.0.0.1', logfile: join(dir, 'redis.log'), save: '', appendonly: 'no' }
  return [...Object.entries(fixed).flatMap(([name, value]) => [`--${name}`, String(value)]), ...args]
}

/** Stops the server when our end of the pipe closes, which happens however this process ends. */
function guardOf(pid: number, dir: string): ChildProcess {
  const guard = spawn('sh', ['-c', 'read -r _; kill -9 "$0"; rm -rf "$1"', String(pid), dir], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  guard.on('error', () => undefined)
  guard.stdin.on('error', () => undefined)
  guard.unref()
  ;(guard.stdin as unknown as { unref(): void }).unref()
  return guard
}

async function untilReady(launch: Launch, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_WITHIN
  let log = ''
  while (Date.now() < deadline) {
    const ended = hasEnded(child)
    log = await readFile(join(launch.dir, 'redis.log'), 'utf8').catch(() => '')
    if (ended) break
    if (log.includes(launch.ready)) return
    await wait(20)
  }
  throw new Error(`${launch.binary} did not get ready: ${launch.args.join(' ')}\n${log}`)
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

/** A server that requires a password is also ready. */
export function answersPing(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host, timeout: 1_000 })
    const finish = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('connect', () => socket.write('PING\r\n'))
    socket.on('data', (data) => {
      finish(/^(?:\+PONG|-NOAUTH)/.test(data.toString()))
    })
    socket.on('timeout', () => {
      finish(false)
    })
    socket.on('error', () => {
      finish(false)
    })
  })
}
