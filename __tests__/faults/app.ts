import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { RopgAuthOptions } from '../../lib/index.ts'
import type { Ready } from './app-process.ts'

/** How an app's process came to its end. */
export interface Ended {
  /** What it wrote to the console, an unhandled rejection for example, and how it ended if not well. */
  complaints: string[]
  /** Milliseconds from SIGTERM to its end. */
  took: number
}

/** The package in a process of its own, where an unhandled rejection is the end. */
export interface App {
  url: string
  /** Resolves when, after SIGTERM, the last request has been answered and the package begins to close. */
  closing(): Promise<unknown>
  /** SIGTERM; resolves when the process is gone. */
  stop(): Promise<Ended>
  /** SIGKILL. */
  kill(): Promise<void>
}

export async function startApp(options: RopgAuthOptions): Promise<App> {
  const child = fork(join(process.cwd(), '__tests__', 'faults', 'app-process.ts'), {
    execArgv: ['--import', 'tsx'],
    env: { PATH: process.env.PATH, APP_OPTIONS: JSON.stringify(options) },
    silent: true,
  })
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>
  const ready = await Promise.race([once(child, 'message'), exited])
  const { url } = Object(ready[0]) as Partial<Ready>
  if (url === undefined) throw new Error(`the app has not started: ${output}`)
  return {
    url,
    closing: () => once(child, 'message'),
    stop: async () => {
      const started = performance.now()
      child.kill('SIGTERM')
      const [code, signal] = await exited
      const ending = code === 0 ? [] : [`the process ended with ${String(code ?? signal)}`]
      return { complaints: [output, ...ending].filter(Boolean), took: performance.now() - started }
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
