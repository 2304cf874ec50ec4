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

/** A program of this folder or an example in its own Node.js process, with its own tenant and Redis. */
export interface Program {
  url: string
  emulator: Auth0Emulator
  redis: ProgramRedis
  /** Logs Ada in at the program's login route and resolves to the `Cookie` header. */
  logIn(body?: object): Promise<string>
  /** The same, after the access token has expired. */
  logInAndExpire(body?: object): Promise<string>
  logOut(cookie: string): Promise<void>
  /** Fails if the process has exited or no longer answers requests. */
  expectAlive(): Promise<void>
  stop(): Promise<void>
}

export interface ProgramRedis {
  /** Closes every connection immediately from now on. */
  takeDown(): Promise<void>
  /** Starts a new, empty server on the same port. */
  bringBack(): Promise<void>
  /** Keeps connections open without responding. */
  pause(): void
  resume(): void
  stop(): Promise<void>
}

export interface ProgramSettings {
  emulator?: Auth0Emulator
  env?: Record<string, string>
  /** Mount path of `auth.router`. Default: `/api/auth`. */
  routes?: string
}

/** Starts a program, given its path in the repository. */
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
      // Waits for errors that would end the process.
      await wait(50)
      expect(state()).toMatchObject({ code: null, signal: null })
      // The route does not support PUT: the router answers without using the store.
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
      // Keeps the port occupied, so that the program cannot reach the Redis of another test run there.
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
