import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { io, type Socket } from 'socket.io-client'
import { ERRORS } from '../../lib/errors.ts'
import { ada } from '../support/app.ts'
import { type Program, startProgram } from './support/program.ts'

let program: Program
/** The example, which authenticates in socket.io middleware. */
let example: Program
/** Cookie of a session that stays alive. */
let cookie: string
const sockets: Socket[] = []

beforeAll(async () => {
  program = await startProgram('__tests__/integrations/socket-io.ts')
  cookie = await program.logIn()
  example = await startProgram('examples/socket-io/app.ts')
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect()
})
afterAll(() => Promise.all([program.stop(), example.stop()]))

const transports = ['polling', 'websocket'] as const

interface Client {
  transport?: (typeof transports)[number]
  cookie?: string
}

type Refusal = Error & { data?: { status?: number } }

/** Connects once and resolves to the connection or the reason for the refusal. */
async function connect(to: Program, { transport = 'websocket', cookie }: Client = {}): Promise<Socket | Refusal> {
  const socket = io(to.url, {
    path: to === example ? '/socket.io' : '/chat',
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

async function connected(to: Program, client: Client): Promise<Socket> {
  const socket = await connect(to, client)
  if (socket instanceof Error) throw socket
  return socket
}

const ask = (socket: Socket) => socket.timeout(5_000).emitWithAck('whoami') as Promise<object>

/** Messages that all clients of the example receive. */
async function say(socket: Socket, text: string): Promise<unknown> {
  const said = once(socket as never, 'said')
  socket.emit('say', text)
  return (await said)[0] as unknown
}

describe.each(transports)('io.engine.use(auth.requireAuth), over %s', (transport) => {
  it('refuses anonymous clients', async () => {
    expect(await connect(program, { transport })).toBeInstanceOf(Error)
    expect(await connect(program, { transport, cookie: 'auth=s:forged.cookie' })).toBeInstanceOf(Error)
    await program.expectAlive()
  })

  it('connects a logged-in client, and getAuth(socket.request) returns the user', async () => {
    const socket = await connected(program, { transport, cookie })
    expect(await ask(socket)).toMatchObject({ email: ada.email, name: ada.name })
  })
})

it('refuses a logged-out client', async () => {
  const over = await program.logIn()
  await program.logOut(over)
  for (const transport of transports) {
    expect(await connect(program, { transport, cookie: over })).toBeInstanceOf(Error)
  }
})

it('closes a polling connection whose session has ended', async () => {
  const own = await program.logIn()
  const socket = await connected(program, { transport: 'polling', cookie: own })
  const gone = once(socket as never, 'disconnect')
  await program.logOut(own)
  socket.emit('whoami', () => undefined)
  const [reason] = (await gone) as [string]
  expect(reason).toBe('transport error')
})

describe('auth.authenticate(socket.request) in middleware of socket.io', () => {
  it('refuses an anonymous client with the public message', async () => {
    const refusal = (await connect(example)) as Refusal
    expect(refusal.message).toBe(ERRORS.unauthenticated[1])
    await example.expectAlive()
  })

  it('connects a logged-in client', async () => {
    const socket = await connected(example, { cookie: await example.logIn() })
    expect(await say(socket, 'hello')).toEqual({ name: ada.name, text: 'hello' })
  })

  it('closes a WebSocket at the first message after its session has ended', async () => {
    const own = await example.logIn()
    const socket = await connected(example, { cookie: own })
    expect(await say(socket, 'hello')).toEqual({ name: ada.name, text: 'hello' })
    await example.logOut(own)
    const gone = once(socket as never, 'disconnect')
    socket.emit('say', 'still here?')
    expect(await gone).toEqual(['io server disconnect'])
  })
})

describe('with Redis down', () => {
  it('refuses a valid cookie too, and the process stays up', async () => {
    await program.redis.takeDown()
    for (const transport of transports) {
      expect(await connect(program, { transport, cookie })).toBeInstanceOf(Error)
      expect(await connect(program, { transport })).toBeInstanceOf(Error)
    }
    await program.expectAlive()
  })

  it('tells a client with a valid cookie why it is refused', async () => {
    const own = await example.logIn()
    await example.redis.takeDown()
    const refusal = (await connect(example, { cookie: own })) as Refusal
    expect(refusal.message).toBe(ERRORS.session_unavailable[1])
    await example.expectAlive()
  })
})
