import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { RopgAuthOptions } from '../../lib/index.ts'
import type { Ready } from './app-process.ts'

/** How an app's process ended. */
export interface Ended {
  /** Console output, such as an unhandled rejection, and the exit status if it failed. */
  complaints: string[]
  /** Milliseconds from SIGTERM to exit. */
  took: number
}

/** The package in a separate process that exits on unhandled rejections. */
export interface App {
  url: string
  /** Resolves when the package starts to close after SIGTERM. */
  closing(): Promise<unknown>
  /** Sends SIGTERM and resolves when the process is gone. */
  stop(): Promise<Ended>
  /** Sends SIGKILL. */
  kill(): Promise<void>
}

let program: Promise<string> | undefined

/** Bundled into one script, which starts quickly. */
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
