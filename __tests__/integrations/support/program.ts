import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from '@jest/globals'
import { type Auth0Emulator, startAuth0Emulator } from '../../../lib/testing/index.ts'
import { ada, secret } from '../../support/app.ts'
import { freePort } from '../../support/ports.ts'
import { type RedisServer, startRedis } from '../../support/redis-server.ts'

const ROOT = join(__dirname, '..', '..', '..')
const STARTS_WITHIN = 30_000

/** A program of this folder in a Node process of its own, with its own tenant and its own Redis. */
export interface Program {
  url: string
  emulator: Auth0Emulator
  redis: RedisServer
  /** Logs ada in at the program's own login route; resolves to the value for a `Cookie` header. */
  logIn(body?: object): Promise<string>
  /** The same, and its access token has expired since. */
  logInAndExpire(body?: object): Promise<string>
  logOut(cookie: string): Promise<void>
  /** Fails if the process has ended, or if it no longer answers requests. */
  expectAlive(): Promise<void>
  stop(): Promise<void>
}

export interface ProgramSettings {
  emulator?: Auth0Emulator
  env?: Record<string, string>
  /** Where the router is mounted. */
  loginAt?: string
}

export async function startProgram(name: string, settings: ProgramSettings = {}): Promise<Program> {
  const { env, loginAt = '/api/auth' } = settings
  const [emulator, redis, port] = await Promise.all([
    settings.emulator ?? startAuth0Emulator(),
    startRedis(),
    freePort(),
  ])
  const child = spawn(process.execPath, ['--import', 'tsx', join(__dirname, '..', `${name}.ts`)], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
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
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const url = `http://127.0.0.1:${port}`
  const post = (path: string, init: { cookie?: string; body?: object }) =>
    fetch(`${url}${loginAt}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(init.cookie && { cookie: init.cookie }) },
      body: JSON.stringify(init.body ?? {}),
    })
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
      expect({ code: child.exitCode, signal: child.signalCode, stderr }).toMatchObject({ code: null, signal: null })
      // GET is not a method of that route: the router answers it, and asks no store.
      expect((await fetch(`${url}${loginAt}/login`)).status).toBe(405)
    },
    async stop() {
      child.kill('SIGKILL')
      await exited
      await Promise.all([redis.stop(), settings.emulator ? undefined : emulator.close()])
    },
  }
  try {
    await untilItListens(url, child)
  } catch (err) {
    await program.stop()
    throw new Error(`${name}.ts did not start:\n${stderr}`, { cause: err })
  }
  return program
}

async function untilItListens(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + STARTS_WITHIN
  for (;;) {
    try {
      await fetch(url)
      return
    } catch (err) {
      if (child.exitCode !== null || performance.now() > deadline) throw err
    }
    await wait(50)
  }
}
