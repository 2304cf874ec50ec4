import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { io, type Socket } from 'socket.io-client'
import { ada } from './support/client.ts'
import { openExample } from './support/open-example.ts'

describe('examples/socket-io', () => {
  let example: Awaited<ReturnType<typeof openExample>>
  const sockets: Socket[] = []

  beforeAll(async () => {
    example = await openExample('socket-io')
  })
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.disconnect()
  })
  afterAll(() => example.stop())

  async function cookieOf(user = ada): Promise<string> {
    const { headers } = await example.agent().post('/api/auth/login').send(user).expect(200)
    return headers['set-cookie']![0]!.split(';')[0]!
  }

  /** Connects once and resolves to the connection or the reason for the refusal. */
  function connect(extraHeaders: Record<string, string>, transport = 'websocket'): Promise<Socket | Error> {
    const settings = { transports: [transport], reconnection: false, forceNew: true }
    const socket = io(example.url, { ...settings, extraHeaders })
    sockets.push(socket)
    return new Promise((resolve) => {
      socket.on('connect', () => {
        resolve(socket)
      })
      socket.on('connect_error', resolve)
    })
  }

  async function connected(cookie: string): Promise<Socket> {
    const socket = await connect({ cookie, origin: example.url })
    if (socket instanceof Error) throw socket
    return socket
  }

  it('serves a page and its script', async () => {
    const { text } = await example.agent().get('/').expect(200)
    expect(text).toContain('<script src="/socket.io/socket.io.js">')
    await example.agent().get('/chat.js').expect(200)
    await example.agent().get('/socket.io/socket.io.js').expect(200)
  })

  it("broadcasts messages of a logged-in user with the user's name", async () => {
    const [one, other] = [await connected(await cookieOf()), await connected(await cookieOf())]
    const said = once(other as never, 'said')
    one.emit('say', 'hello')
    expect(await said).toEqual([{ name: ada.name, text: 'hello' }])
  })

  it.each(['polling', 'websocket'])('tells an anonymous client why it is refused, over %s', async (transport) => {
    const refusal = await connect({ origin: example.url }, transport)
    expect((refusal as Error).message).toBe('Please log in to continue.')
  })

  it.each(['polling', 'websocket'])(
    'refuses a page of another origin, even with the cookie, over %s',
    async (transport) => {
      const refusal = await connect({ cookie: await cookieOf(), origin: 'https://evil.example' }, transport)
      expect(refusal).toBeInstanceOf(Error)
      expect((refusal as Error).message).not.toBe('Please log in to continue.')
    },
  )

  it('closes a connection at its first message after logout, without forwarding the message', async () => {
    const cookie = await cookieOf()
    const [socket, listener] = [await connected(cookie), await connected(await cookieOf())]
    await example.agent().post('/api/auth/logout').set('Cookie', cookie).expect(200)
    const heard: unknown[] = []
    listener.on('said', (message) => heard.push(message))
    const gone = once(socket as never, 'disconnect')
    socket.emit('say', 'still here?')
    expect(await gone).toEqual(['io server disconnect'])
    const own = once(listener as never, 'said')
    listener.emit('say', 'nobody')
    await own
    expect(heard).toEqual([{ name: ada.name, text: 'nobody' }])
  })
})
