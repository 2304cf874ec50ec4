import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { WebSocket } from 'ws'
import { ada } from '../support/app.ts'
import { type Program, startProgram } from './support/program.ts'

let program: Program
let cookie: string
const sockets: WebSocket[] = []

beforeAll(async () => {
  program = await startProgram('__tests__/integrations/ws.ts')
  cookie = await program.logIn()
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate()
})
afterAll(() => program.stop())

/** The first message, or the status of the refused upgrade. */
async function open(sent?: string): Promise<string | number> {
  const socket = new WebSocket(program.url.replace('http', 'ws'), {
    headers: sent === undefined ? {} : { cookie: sent },
  })
  sockets.push(socket)
  return new Promise((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      resolve(data.toString())
    })
    socket.on('unexpected-response', (_req, res) => {
      resolve(res.statusCode ?? 0)
    })
    socket.on('error', reject)
  })
}

const greeting = `Hello, ${ada.name}`

function upgrade(sent = ''): string {
  const lines = ['GET / HTTP/1.1', 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket']
  const handshake = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', `Cookie: ${sent}`]
  return [...lines, ...handshake, '', ''].join('\r\n')
}

it('answers an anonymous upgrade with 401, and the process stays up', async () => {
  expect(await open()).toBe(401)
  await program.expectAlive()
  const { hostname, port } = new URL(program.url)
  const socket = connect(Number(port), hostname).setEncoding('utf8')
  let answer = ''
  socket.on('data', (chunk: string) => (answer += chunk)).write(upgrade())
  await once(socket, 'end')
  expect(answer).toBe('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  await program.expectAlive()
})

it.each([
  ['a forged cookie', 'auth=s:forged.c2lnbmF0dXJl'],
  ['a cookie that cannot be decoded', 'auth=s%3A%E0%A4%A.%'],
  ['many cookies', Array.from({ length: 50 }, (_, number) => `auth=s:${number}.x`).join('; ')],
])('refuses %s', async (_what, sent) => {
  expect(await open(sent)).toBe(401)
  await program.expectAlive()
})

it('connects a logged-in client', async () => {
  expect(await open(cookie)).toBe(greeting)
})

it('refuses a logged-out client', async () => {
  const over = await program.logIn()
  await program.logOut(over)
  expect(await open(over)).toBe(401)
})

describe('with Redis in trouble', () => {
  it('survives clients that disconnect before Redis has answered', async () => {
    const { hostname, port } = new URL(program.url)
    program.redis.pause()
    try {
      const clients = Array.from({ length: 5 }, () => connect(Number(port), hostname))
      for (const client of clients) client.write(upgrade(cookie))
      await wait(100)
      for (const client of clients) client.resetAndDestroy()
      await wait(100)
    } finally {
      program.redis.resume()
    }
    await program.expectAlive()
    expect(await open(cookie)).toBe(greeting)
  })

  it('answers 503 while Redis does not answer', async () => {
    program.redis.pause()
    try {
      expect(await open(cookie)).toBe(503)
      expect(await open()).toBe(401)
    } finally {
      program.redis.resume()
    }
    await program.expectAlive()
  })

  it('answers 503 while Redis is down, and connects again once it is back', async () => {
    await program.redis.takeDown()
    expect(await open(cookie)).toBe(503)
    expect(await open()).toBe(401)
    await program.expectAlive()
    await program.redis.bringBack()
    // The restarted Redis is empty, so the session is gone, but the store answers.
    for (let tries = 0; (await open(cookie)) === 503 && tries < 100; tries++) await wait(50)
    expect(await open(await program.logIn())).toBe(greeting)
  })
})
