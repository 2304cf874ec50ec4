import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { build } from 'esbuild'
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
  /** Resolves when the package begins to close, after SIGTERM. */
  closing(): Promise<unknown>
  /** SIGTERM; resolves when the process is gone. */
  stop(): Promise<Ended>
  /** SIGKILL. */
  kill(): Promise<void>
}

let program: Promise<string> | undefined

/** As one script, which is quick to start. */
async function bundle(): Promise<string> {
  const entryPoints = [join(process.cwd(), '__tests__', 'faults', 'app-process.ts')]
  const { outputFiles } = await build({ entryPoints, bundle: true, platform: 'node', target: 'node20', write: false })
  return outputFiles[0]!.text
}

export async function startApp(options: RopgAuthOptions): Promise<App> {
  const child = spawn(process.execPath, ['-'], {
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH, APP_OPTIONS: JSON.stringify(options) },
  })
  child.stdin?.end(await (program ??= bundle()))
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
