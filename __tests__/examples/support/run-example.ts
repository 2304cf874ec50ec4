import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from '@jest/globals'
import request from 'supertest'
import { portSettings } from './ports.ts'

const ROOT = join(__dirname, '..', '..', '..')

/** Runs an example's command in a separate process. */
export async function runExample(
  name: string,
  [file, ...args]: string[] = [process.execPath, '--import', 'tsx', 'examples/start.ts'],
) {
  const env = await portSettings()
  const child = spawn(file!, [...args, name], {
    ...{ cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
    env: { PATH: process.env.PATH, HOME: process.env.HOME, REDIS_URL: process.env.REDIS_URL, ...env },
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  let problems = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (problems += chunk))
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('Ctrl-C')) break
  if (problems !== '' || child.exitCode !== null) throw new Error(`${name} did not start: ${problems}`)
  child.stdout.resume()
  const url = `http://localhost:${env.PORT}`
  return {
    ...{ url, webUrl: env.WEB_URL },
    agent: () => request.agent(url),
    /** Like Ctrl-C. */
    async stop() {
      process.kill(-child.pid!, 'SIGINT')
      const [code] = await exited
      expect({ code: code ?? 0, problems }).toEqual({ code: 0, problems: '' })
      await expect(fetch(url)).rejects.toThrow('fetch failed')
    },
  }
}
