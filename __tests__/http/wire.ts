import type { Server } from 'node:http'
import { createConnection, type AddressInfo } from 'node:net'
import { afterEach, expect } from '@jest/globals'
import type { Express } from 'express'
import { Redis } from 'ioredis'
import type { Response } from 'supertest'
import { type AuthErrorCode, ERRORS } from '../../lib/errors.ts'
import { testRedisUrl } from '../support/redis.ts'

export const DAY = 86_400

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((clean) => clean()))
})

/** A client of the test Redis, closed after the test. */
export function openRedis(): Redis {
  const client = new Redis(testRedisUrl())
  cleanups.push(async () => client.quit())
  return client
}

/** Every key under the prefix, sorted. */
export async function keysUnder(prefix: string): Promise<string[]> {
  return (await openRedis().keys(`${prefix}*`)).sort()
}

/** The records of the session in a `Cookie` header: its blob (`:s:`), then its tokens (`:t:`). */
export async function recordsOf(cookie: string, prefix: string): Promise<string[]> {
  const id = sessionIdOf(cookie)
  return (await keysUnder(prefix)).filter((key) => key.includes(id))
}

/** The app on its own port, closed after the test. */
export async function listen(app: Express): Promise<{ server: Server; port: number; url: string }> {
  const server = app.listen(0)
  await new Promise((resolve) => server.once('listening', resolve))
  cleanups.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  )
  const { port } = server.address() as AddressInfo
  return { server, port, url: `http://127.0.0.1:${port}` }
}

/** Sends raw bytes. `received` grows with the response, and `ended` resolves to all of it. */
export function sendRaw(port: number, bytes: string): { received: string; ended: Promise<string> } {
  const socket = createConnection(port, '127.0.0.1')
  const exchange = {
    received: '',
    ended: new Promise<string>((resolve, reject) => {
      socket.on('close', () => resolve(exchange.received))
      socket.on('error', reject)
    }),
  }
  socket.setEncoding('utf8').on('data', (text: string) => (exchange.received += text))
  socket.write(bytes)
  return exchange
}

/** The only cookie that a response sets, with lowercase attributes. */
export function setCookie(response: Response): { name: string; value: string; attributes: Record<string, string> } {
  const headers = response.headers['set-cookie'] as unknown as string[]
  expect(headers).toHaveLength(1)
  const [pair = '', ...rest] = headers[0]!.split('; ')
  const [name = '', value = ''] = pair.split('=')
  const attributes = rest.map((attribute) => {
    const [key = '', text = ''] = attribute.split('=')
    return [key.toLowerCase(), text] as const
  })
  return { name, value, attributes: Object.fromEntries(attributes) }
}

/** The `Cookie` header that a browser would send back. */
export function cookieOf(response: Response): string {
  const { name, value } = setCookie(response)
  return `${name}=${value}`
}

/** The session id in a `Cookie` header. */
export function sessionIdOf(cookie: string): string {
  return /=s:([^.]+)\./.exec(decodeURIComponent(cookie))![1]!
}

/** Body of an error response. */
export function refusal(code: AuthErrorCode, more: object = {}): object {
  return { success: false, error: code, message: ERRORS[code][1], ...more }
}

export function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** Resolves when the condition holds. Polls, because the change happens in another process. */
export async function until(condition: () => Promise<boolean> | boolean, patience = 10_000): Promise<void> {
  const deadline = performance.now() + patience
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${String(condition)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
