import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

/** A benchmark process that reports its URL and answers questions over IPC. */
export interface Child {
  readonly url: string
  readonly pid: number
  ask<Answer>(question: string, input?: object): Promise<Answer>
  stop(): Promise<void>
}

export interface Launch {
  /** Relative to bench/. */
  file: string
  args?: readonly string[]
  env?: Record<string, string>
  /** taskset CPU list: `0` or `0-1`. */
  cpu: string
  nodeOptions?: readonly string[]
}

const running = new Set<ChildProcess>()
const canPin = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

/** Whether processes can be pinned to a CPU. */
export function isPinned(): boolean {
  return canPin
}

/** Pins a running process and all its threads. */
export function pin(pid: number, cpu: string): void {
  if (canPin) spawnSync('taskset', ['-a', '-c', '-p', cpu, String(pid)])
}

export async function startChild({ file, args = [], env = {}, cpu, nodeOptions = [] }: Launch): Promise<Child> {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  const loader = file.endsWith('.ts') ? ['--import', 'tsx'] : []
  const node = [process.execPath, ...loader, ...nodeOptions, path, ...args]
  const [command = '', ...rest] = canPin ? ['taskset', '-c', cpu, ...node] : node
  const child = spawn(command, rest, { env: environment(env), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  running.add(child)
  child.on('exit', () => running.delete(child))
  const { ready } = await nextMessage<{ ready: string }>(child, file)
  return { url: ready, pid: child.pid ?? 0, ask: asker(child, file), stop: () => stop(child) }
}

/** Contenders do not inherit the environment of this machine. */
function environment(env: Record<string, string>): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env
  return { ...(PATH !== undefined && { PATH }), ...(HOME !== undefined && { HOME }), NODE_ENV: 'production', ...env }
}

function asker(child: ChildProcess, file: string): Child['ask'] {
  let asked = 0
  return async <Answer>(question: string, input: object = {}) => {
    const id = ++asked
    child.send({ id, ask: question, ...input })
    const { answer } = await nextMessage<{ answer: Answer }>(child, file, id)
    return answer
  }
}

function nextMessage<Message>(child: ChildProcess, file: string, id?: number): Promise<Message> {
  return new Promise((resolve, reject) => {
    const gone = () => {
      reject(new Error(`${file} ended unexpectedly`))
    }
    const heard = (message: { id?: number }) => {
      if (message.id !== id) return
      child.off('exit', gone).off('message', heard)
      resolve(message as Message)
    }
    child.on('exit', gone).on('message', heard)
  })
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => {
      resolve()
    })
    child.kill('SIGKILL')
  })
}
