/**
 * Everything on this machine, in one command: an Auth0 emulator, a session store, and examples/quickstart.ts with a
 * login page. Ctrl-C ends all of it.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { startAuth0Emulator } from 'express-auth0-ropg/testing'
import { findRedisServer } from '../scripts/find-redis.js'
import { startRedis } from '../__tests__/support/redis-server.ts'

const users = [
  { email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada Lovelace' },
  { email: 'blocked@example.com', password: 'blocked', name: 'Bob Blocked', blocked: true },
  { email: 'mfa@example.com', password: 'second factor', name: 'Mia Factor', mfa: true },
]

const emulator = await startAuth0Emulator({ users })
const store = await sessionStore()

process.env.AUTH0_DOMAIN = emulator.domain
process.env.AUTH0_CLIENT_ID = emulator.clientId
process.env.AUTH0_CLIENT_SECRET = emulator.clientSecret
process.env.SESSION_SECRET ??= randomBytes(32).toString('base64')
if (store.url !== undefined) process.env.REDIS_URL = store.url

// Only now, because the program reads its settings when it is loaded.
const { app, auth } = await import('./quickstart.ts')
app.get('/', (_req, res) => {
  res.sendFile(fileURLToPath(new URL('login.html', import.meta.url)))
})

const server = app.listen(Number(process.env.PORT ?? 0), '127.0.0.1')
await once(server, 'listening')
await auth.ready()
introduce(`http://localhost:${(server.address() as AddressInfo).port}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())

async function sessionStore(): Promise<{ name: string; url?: string; stop(): Promise<void> }> {
  const stopNothing = () => Promise.resolve()
  const given = process.env.REDIS_URL
  if (given) return { name: 'Redis of REDIS_URL', url: given, stop: stopNothing }
  if (findRedisServer() === undefined) return { name: 'in this process (no redis-server found)', stop: stopNothing }
  const redis = await startRedis()
  return { name: `Redis, started on port ${redis.port}`, url: redis.url, stop: () => redis.stop() }
}

function introduce(url: string): void {
  const [first] = users
  const body = JSON.stringify({ email: first?.email, password: first?.password })
  console.log(
    [
      '',
      `  Login page   ${url}`,
      `  Sessions     ${store.name}`,
      `  Auth0        ${emulator.domain} (an emulator; nothing leaves this machine)`,
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

async function stop(): Promise<void> {
  server.close()
  server.closeAllConnections()
  await auth.close()
  await emulator.close()
  await store.stop()
}
