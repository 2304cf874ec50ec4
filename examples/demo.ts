/**
 * Everything on this machine, in one command: an Auth0 emulator, a session store, and examples/quickstart.ts with a
 * login page. Ctrl-C ends all of it.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { startAuth0Emulator } from 'express-auth0-ropg/testing'
import { findRedisServer } from '../scripts/find-redis.js'
import { startRedis } from '../__tests__/support/redis-server.ts'

const users = [
  { email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada Lovelace' },
  { email: 'blocked@example.com', password: 'locked out', name: 'Bob Blocked', blocked: true },
  { email: 'mfa@example.com', password: 'second factor', name: 'Mia Factor', mfa: true },
]

const started: (() => Promise<unknown>)[] = []
let stopping: Promise<void> | undefined

// Before anything runs that would be left behind; not `once`, because npm hands on what the terminal has sent already.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0))
stopWithParent()
try {
  await start()
} catch (err) {
  console.error(`The demo cannot start: ${reason(err)}`)
  await stop(1)
}

async function start(): Promise<void> {
  const emulator = await startAuth0Emulator({ users })
  started.push(() => emulator.close())
  const store = await sessionStore()
  started.push(() => store.stop())

  process.env.AUTH0_DOMAIN = emulator.domain
  process.env.AUTH0_CLIENT_ID = emulator.clientId
  process.env.AUTH0_CLIENT_SECRET = emulator.clientSecret
  process.env.SESSION_SECRET ??= randomBytes(32).toString('base64')
  if (store.url !== undefined) process.env.REDIS_URL = store.url

  // Only now, because the program reads its settings when it is loaded.
  const { app, auth } = await import('./quickstart.ts')
  started.push(() => auth.close())
  app.get('/', (_req, res) => {
    res.sendFile(fileURLToPath(new URL('login.html', import.meta.url)))
  })
  const server = app.listen(Number(process.env.PORT ?? 0), '127.0.0.1')
  started.push(() => close(server))
  await once(server, 'listening')
  await auth.ready()
  introduce(`http://localhost:${(server.address() as AddressInfo).port}`, { store: store.name, auth0: emulator.domain })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
    server.closeAllConnections()
  })
}

async function sessionStore(): Promise<{ name: string; url?: string; stop(): Promise<void> }> {
  const stopNothing = () => Promise.resolve()
  const given = process.env.REDIS_URL
  if (given) return { name: 'Redis of REDIS_URL', url: given, stop: stopNothing }
  if (findRedisServer() === undefined) return { name: 'in this process (no redis-server found)', stop: stopNothing }
  const redis = await startRedis()
  return { name: `Redis, started on port ${redis.port}`, url: redis.url, stop: () => redis.stop() }
}

function introduce(url: string, { store, auth0 }: { store: string; auth0: string }): void {
  const [first] = users
  const body = JSON.stringify({ email: first?.email, password: first?.password })
  console.log(
    [
      '',
      `  Login page   ${url}`,
      `  Sessions     ${store}`,
      `  Auth0        ${auth0} (an emulator; nothing leaves this machine)`,
      '',
      '  Users',
      ...users.map(({ email, password }) => `    ${email.padEnd(22)}${password}`),
      '',
      '  Try',
      `    curl -i ${url}/api/auth/login -H 'Content-Type: application/json' -d '${body}'`,
      '',
      '  Ctrl-C to stop',
      '',
    ].join('\n'),
  )
}

function reason(err: unknown): string {
  const { code, message } = err as { code?: string; message?: string }
  if (code === 'session_unavailable') {
    return 'the Redis of REDIS_URL does not answer. Start it, or unset REDIS_URL and the demo brings its own store.'
  }
  return message ?? String(err)
}

function stop(code: number): Promise<void> {
  stopping ??= Promise.allSettled(started.splice(0).map((end) => end())).then(() => process.exit(code))
  return stopping
}

/** A signal to npm alone does not reach this process: npm ends, and this is its orphan. */
function stopWithParent(): void {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) void stop(0)
  }, 250).unref()
}
