import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { inspect } from 'node:util'
import { expect } from '@jest/globals'
import { type Auth0Emulator, startAuth0Emulator } from '../../../lib/testing/index.ts'
import { ada, secret } from '../../support/app.ts'
import { compileProgram } from '../../support/compile-program.ts'
import { startRedis } from '../../support/redis-server.ts'

const ROOT = join(__dirname, '..', '..', '..')
const REPORT_PORT = './__tests__/integrations/support/report-port.mjs'

/** A program of this folder, or an example, in a Node process of its own, with its own tenant and its own Redis. */
export interface Program {
  url: string
  emulator: Auth0Emulator
  redis: ProgramRedis
  /** Logs ada in at the program's own login route; resolves to the value for a `Cookie` header. */
  logIn(body?: object): Promise<string>
  /** The same, and its access token has expired since. */
  logInAndExpire(body?: object): Promise<string>
  logOut(cookie: string): Promise<void>
  /** Fails if the process has ended, or if it no longer answers requests. */
  expectAlive(): Promise<void>
  stop(): Promise<void>
}

export interface ProgramRedis {
  /** From now on every connection is closed at once. */
  takeDown(): Promise<void>
  /** A new, empty server on the same port. */
  bringBack(): Promise<void>
  /** Connections stay open, nothing answers. */
  pause(): void
  resume(): void
  stop(): Promise<void>
}

export interface ProgramSettings {
  emulator?: Auth0Emulator
  env?: Record<string, string>
  /** Where the program mounts `auth.router`. Default: `/api/auth`. */
  routes?: string
}

/** Starts a program, named by its path in the repository. */
export async function startProgram(path: string, settings: ProgramSettings = {}): Promise<Program> {
  const { env, routes = '/api/auth' } = settings
  const [emulator, redis] = await Promise.all([settings.emulator ?? startAuth0Emulator(), startProgramRedis()])
  const compiled = await compileProgram(path)
  const child = spawn(process.execPath, ['--import', REPORT_PORT, compiled.path], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      AUTH0_DOMAIN: emulator.domain,
      AUTH0_CLIENT_ID: emulator.clientId,
      AUTH0_CLIENT_SECRET: emulator.clientSecret,
      SESSION_SECRET: secret,
      REDIS_URL: redis.url,
      ...env,
    },
  })
  const exited = once(child, 'exit')
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const state = () => ({ code: child.exitCode, signal: child.signalCode, stderr })
  const stop = async () => {
    child.kill('SIGKILL')
    await exited
    await Promise.all([compiled.remove(), redis.stop(), settings.emulator ? undefined : emulator.close()])
  }
  const [port] = (await Promise.race([once(child, 'message'), exited])) as [number]
  if (child.exitCode !== null || child.signalCode !== null) {
    await stop()
    throw new Error(`${path} did not start: ${inspect(state())}`)
  }
  const url = `http://127.0.0.1:${port}`
  const post = async (route: string, init: { cookie?: string; body?: object }) => {
    const headers = { 'content-type': 'application/json', ...(init.cookie && { cookie: init.cookie }) }
    try {
      return await fetch(url + routes + route, { method: 'POST', headers, body: JSON.stringify(init.body ?? {}) })
    } catch (cause) {
      throw new Error(`${path} does not answer: ${inspect(state())}`, { cause })
    }
  }
  const program: Program = {
    ...{ url, emulator, redis },
    async logIn(body = {}) {
      const answer = await post('/login', { body: { email: ada.email, password: ada.password, ...body } })
      expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining(ada.email)])
      return answer.headers.getSetCookie()[0]!.split(';')[0]!
    },
    async logInAndExpire(body) {
      const { accessTokenTtl } = emulator.tenant
      emulator.tenant.accessTokenTtl = 1
      const cookie = await program.logIn(body)
      emulator.tenant.accessTokenTtl = accessTokenTtl
      await wait(1_100)
      return cookie
    },
    async logOut(cookie) {
      expect((await post('/logout', { cookie })).status).toBe(200)
    },
    async expectAlive() {
      // What would end the process may still be on its way.
      await wait(50)
      expect(state()).toMatchObject({ code: null, signal: null })
      // PUT is not a method of that route: the router answers it, and asks no store.
      expect((await fetch(`${url}${routes}/login`, { method: 'PUT' })).status).toBe(405)
    },
    stop,
  }
  return program
}

async function startProgramRedis(): Promise<ProgramRedis & { url: string }> {
  const redis = await startRedis()
  let placeholder: Server | undefined
  const leave = () => new Promise<void>((resolve) => (placeholder ? placeholder.close(() => resolve()) : resolve()))
  return {
    url: redis.url,
    pause: () => redis.pause(),
    resume: () => redis.resume(),
    async takeDown() {
      await redis.kill()
      // Keeps the port, so that the program never finds the Redis of another run of the tests there.
      placeholder = createServer((socket) => socket.on('error', () => undefined).destroy())
      await once(placeholder.listen(redis.port, '127.0.0.1'), 'listening')
    },
    async bringBack() {
      await leave()
      await redis.restart()
    },
    async stop() {
      await leave()
      await redis.stop()
    },
  }
}
