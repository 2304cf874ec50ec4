/** Starts an Auth0 emulator, a session store, and the app. Ctrl-C stops all of them. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startAuth0Emulator } from 'express-auth0-ropg/testing'
import { createDemo } from './app.ts'
import { openSessionStore } from './session-store.ts'
import { tenantUsers, users } from './users.ts'

const started: (() => Promise<unknown>)[] = []
let stopping: Promise<void> | undefined

// Registered before anything starts. Not `once`, because npm forwards a signal that the terminal has already sent.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0))
stopWithParent()
try {
  await start()
} catch (err) {
  console.error(`The demo cannot start: ${reason(err)}`)
  await stop(1)
}

async function start(): Promise<void> {
  const emulator = await startAuth0Emulator({ users: tenantUsers, accessTokenTtl: 300 })
  started.push(() => emulator.close())
  const store = await openSessionStore()
  started.push(() => store.stop())

  // Started first, because Auth0 needs the app's URL.
  const server = createServer().listen(Number(process.env.PORT ?? 0), '127.0.0.1')
  started.push(() => close(server))
  await once(server, 'listening')
  const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
  const secret = process.env.SESSION_SECRET ?? randomBytes(32).toString('base64')
  const { app, auth } = createDemo({ emulator, baseUrl, secret, redis: store.redis })
  started.push(() => auth.close())
  server.on('request', (req, res) => {
    app(req, res)
  })
  await auth.ready()
  introduce(baseUrl, { store: store.name, auth0: emulator.domain })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
    server.closeAllConnections()
  })
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

/** Detects that npm has ended: a signal sent to npm alone does not reach this process. */
function stopWithParent(): void {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) void stop(0)
  }, 250).unref()
}
