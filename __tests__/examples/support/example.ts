import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from '@jest/globals'
import request from 'supertest'
import { startExample, users } from '../../../examples/start-example.ts'
import { freePort } from '../../support/ports.ts'

const ROOT = join(__dirname, '..', '..', '..')

export const [ada, grace, otp] = users as [User, User, User]

interface User {
  email: string
  password: string
  name: string
}

/** A client that keeps cookies. */
export type Agent = ReturnType<typeof request.agent>

async function environment(): Promise<Record<'PORT' | 'API_URL' | 'WEB_URL', string>> {
  const [port, api, web] = [await freePort(), await freePort(), await freePort()]
  return { PORT: String(port), API_URL: `http://localhost:${api}`, WEB_URL: `http://localhost:${web}` }
}

/** Starts an example in this process, as its command does. */
export async function openExample(name: string) {
  Object.assign(process.env, await environment())
  const example = await startExample(name)
  return { ...example, agent: () => request.agent(example.url) }
}

/** Runs the command of an example in a process of its own. */
export async function runExample(
  name: string,
  [file, ...args] = [process.execPath, '--import', 'tsx', 'examples/start.ts'],
) {
  const env = await environment()
  const child = spawn(file!, [...args, name], {
    ...{ cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
    env: { PATH: process.env.PATH, HOME: process.env.HOME, REDIS_URL: process.env.REDIS_URL, ...env },
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  let problems = ''
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (problems += chunk))
  for await (const line of createInterface({ input: child.stdout! })) if (line.includes('Ctrl-C')) break
  if (problems !== '' || child.exitCode !== null) throw new Error(`${name} did not start: ${problems}`)
  child.stdout!.resume()
  const url = `http://localhost:${env.PORT}`
  return {
    ...{ url, webUrl: env.WEB_URL },
    agent: () => request.agent(url),
    /** As Ctrl-C does. */
    async stop() {
      process.kill(-child.pid!, 'SIGINT')
      const [code] = await exited
      expect({ code: code ?? 0, problems }).toEqual({ code: 0, problems: '' })
      await expect(fetch(url)).rejects.toThrow('fetch failed')
    },
  }
}

export async function logIn(agent: Agent, { email, password } = ada, path = '/api/auth/login'): Promise<Agent> {
  await agent.post(path).send({ email, password }).expect(200)
  return agent
}

/** A client whose browser posts a form and follows to the page behind it. */
export async function submit(agent: Agent, path: string, fields: object = {}) {
  return agent
    .post(path)
    .set({ 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Site': 'same-origin' })
    .type('form')
    .send(fields)
}
