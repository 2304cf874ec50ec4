import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { io, type Socket } from 'socket.io-client'
import { ERRORS } from '../../lib/errors.ts'
import { ada } from '../support/app.ts'
import { type Program, startProgram } from './support/program.ts'

let program: Program
/** Of a session that goes on. */
let cookie: string
const sockets: Socket[] = []

beforeAll(async () => {
  program = await startProgram('socket-io')
  cookie = await program.logIn()
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect()
})
afterAll(() => program.stop())

const transports = ['polling', 'websocket'] as const

interface Client {
  path: '/chat' | '/news'
  transport?: (typeof transports)[number]
  cookie?: string
}

type Refusal = Error & { data?: { status?: number } }

/** A client that connects once, and its connection or the reason why there is none. */
async function connect({ path, transport = 'websocket', cookie }: Client): Promise<Socket | Refusal> {
  const socket = io(program.url, {
    path,
    transports: [transport],
    reconnection: false,
    forceNew: true,
    ...(cookie !== undefined && { extraHeaders: { cookie } }),
  })
  sockets.push(socket)
  return new Promise((resolve) => {
    socket.on('connect', () => {
      resolve(socket)
    })
    socket.on('connect_error', resolve)
  })
}

async function connected(client: Client): Promise<Socket> {
  const socket = await connect(client)
  if (socket instanceof Error) throw socket
  return socket
}

const ask = (socket: Socket) => socket.timeout(5_000).emitWithAck('whoami') as Promise<object>

describe.each(transports)('io.engine.use(auth.requireAuth), over %s', (transport) => {
  it('refuses anonymous clients', async () => {
    expect(await connect({ path: '/chat', transport })).toBeInstanceOf(Error)
    expect(await connect({ path: '/chat', transport, cookie: 'auth=s:forged.cookie' })).toBeInstanceOf(Error)
    await program.expectAlive()
  })

  it('connects a logged-in client, and getAuth(socket.request) returns the user', async () => {
    const socket = await connected({ path: '/chat', transport, cookie })
    expect(await ask(socket)).toMatchObject({ email: ada.email, name: ada.name })
  })
})

it('refuses clients that have logged out', async () => {
  const over = await program.logIn()
  await program.logOut(over)
  for (const transport of transports) {
    expect(await connect({ path: '/chat', transport, cookie: over })).toBeInstanceOf(Error)
  }
})

it('ends a polling connection whose session has ended', async () => {
  const own = await program.logIn()
  const socket = await connected({ path: '/chat', transport: 'polling', cookie: own })
  const gone = once(socket as never, 'disconnect')
  await program.logOut(own)
  socket.emit('whoami', () => undefined)
  const [reason] = (await gone) as [string]
  expect(reason).toBe('transport error')
})

describe('auth.authenticate(socket.request) in middleware of socket.io', () => {
  it('tells an anonymous client why it is refused, with the public message', async () => {
    const refusal = (await connect({ path: '/news' })) as Refusal
    expect(refusal.message).toBe(ERRORS.unauthenticated[1])
    await program.expectAlive()
  })

  it('connects a logged-in client', async () => {
    const socket = await connected({ path: '/news', cookie })
    expect(await ask(socket)).toMatchObject({ email: ada.email })
  })

  it('ends a WebSocket with the first message after its session has ended', async () => {
    const own = await program.logIn()
    const socket = await connected({ path: '/news', cookie: own })
    expect(await ask(socket)).toMatchObject({ email: ada.email })
    await program.logOut(own)
    const gone = once(socket as never, 'disconnect')
    await expect(ask(socket)).rejects.toThrow()
    expect(await gone).toEqual(['io server disconnect'])
  })
})

describe('with Redis down', () => {
  it('also refuses a genuine cookie, and the process stays up', async () => {
    await program.redis.takeDown()
    for (const transport of transports) {
      expect(await connect({ path: '/chat', transport, cookie })).toBeInstanceOf(Error)
      expect(await connect({ path: '/chat', transport })).toBeInstanceOf(Error)
    }
    const refusal = (await connect({ path: '/news', cookie })) as Refusal
    expect(refusal.message).toBe(ERRORS.session_unavailable[1])
    await program.expectAlive()
  })
})
