import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Server } from 'node:http'
import { type Auth0Emulator, startAuth0Emulator } from 'express-auth0-ropg/testing'
import { users } from './users.ts'

/** Examples with several programs. */
const PROGRAMS: Record<string, string[]> = { bff: ['api', 'app'], spa: ['app', 'web'] }

export interface RunningExample {
  url: string
  emulator: Auth0Emulator
  /** Exports of the example's programs. */
  exports: Record<string, unknown>
  stop(): Promise<void>
}

/** Sets the environment as a deployment would and loads the example's programs, which listen on their own. */
export async function startExample(name: string): Promise<RunningExample> {
  const emulator = await startAuth0Emulator({ users })
  const emulators = [emulator]
  if (name === 'two-tenants') emulators.push(await startAuth0Emulator({ users }))
  const exports: Record<string, unknown> = {}
  const stop = async () => {
    await Promise.all(Object.values(exports).map(close))
    await Promise.all(emulators.map((each) => each.close()))
  }
  try {
    setEnvironment(emulators)
    for (const program of PROGRAMS[name] ?? ['app']) Object.assign(exports, await load(`./${name}/${program}.ts`))
  } catch (err) {
    await stop()
    throw err
  }
  const { BASE_URL = '', WEB_URL = '' } = process.env
  return { url: name === 'spa' ? WEB_URL : BASE_URL, emulator, exports, stop }
}

function setEnvironment([first, second]: Auth0Emulator[]): void {
  const { env } = process
  env.PORT ??= '3000'
  env.BASE_URL ??= `http://localhost:${env.PORT}`
  env.WEB_URL ??= 'http://localhost:5173'
  env.SESSION_SECRET ??= randomBytes(32).toString('base64')
  Object.assign(env, settingsOf('', first), settingsOf('GLOBEX_', second))
}

function settingsOf(prefix: string, emulator: Auth0Emulator | undefined) {
  if (!emulator) return {}
  return {
    [`${prefix}AUTH0_DOMAIN`]: emulator.domain,
    [`${prefix}AUTH0_CLIENT_ID`]: emulator.clientId,
    [`${prefix}AUTH0_CLIENT_SECRET`]: emulator.clientSecret,
  }
}

async function load(path: string): Promise<Record<string, unknown>> {
  const program = (await import(path)) as Record<string, unknown>
  const entries = Object.entries(program).map(async ([name, value]) => [name, await ready(value)] as const)
  return Object.fromEntries(await Promise.all(entries))
}

async function ready(value: unknown): Promise<unknown> {
  if (value instanceof Server && !value.listening) await once(value, 'listening')
  return value // which may be a promise
}

async function close(value: unknown): Promise<void> {
  if (value instanceof Server) value.closeAllConnections()
  const { close } = Object(value) as { close?: () => unknown }
  await close?.call(value)
}
