import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** How a {@link FaultProxy} treats its connections. */
export type Traffic =
  'passes' | 'is refused' | 'is reset mid-answer' | 'is silent' | 'is slow' | 'is garbage' | 'stands'

/** Forwards TCP connections, with adjustable faults. */
export interface FaultProxy {
  readonly port: number
  let(traffic: Traffic): Promise<void>
  close(): Promise<void>
}

export interface FaultProxySettings {
  /** Must be known when the first connection arrives. */
  target: () => number
  /** Milliseconds that responses are delayed while traffic is slow. */
  delay: number
}

/** Invalid in every protocol. */
const GARBAGE = Buffer.from('\u0000\u0001~garbage~\r\n\r\n')

export async function startFaultProxy({ target, delay }: FaultProxySettings): Promise<FaultProxy> {
  const clients = new Set<Socket>()
  const upstreams = new Set<Socket>()
  let traffic: Traffic = 'passes'
  let server: Server | undefined
  let port = 0

  const serve = (client: Socket) => {
    const upstream = connect(target(), '127.0.0.1')
    keep(clients, client)
    keep(upstreams, upstream)
    if (traffic === 'stands') for (const socket of [client, upstream]) socket.pause()
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => {
      if (traffic !== 'is silent' && traffic !== 'stands') client.destroy()
    })
    client.on('data', (data) => {
      if (traffic === 'is garbage') client.write(GARBAGE)
      else if (traffic !== 'is silent') upstream.write(data)
    })
    upstream.on('data', (data) => void answer(client, data))
  }
  const answer = async (client: Socket, data: Buffer) => {
    if (traffic === 'is silent') return
    if (traffic === 'is slow') await wait(delay, undefined, { ref: false })
    if (traffic === 'is reset mid-answer') {
      client.write(data.subarray(0, Math.ceil(data.length / 2)), () => client.resetAndDestroy())
    } else if (!client.destroyed) client.write(data)
  }
  const listen = async () => {
    if (server) return
    server = createServer(serve).listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  const refuse = () => {
    server?.close()
    server = undefined
    for (const socket of [...clients, ...upstreams]) socket.destroy()
  }

  await listen()
  return {
    port,
    let: async (next) => {
      // Dropped data cannot be recovered, so these connections are closed.
      const isLost = traffic === 'is silent'
      traffic = next
      for (const socket of [...clients, ...upstreams]) {
        if (isLost) socket.destroy()
        else if (next === 'stands') socket.pause()
        else socket.resume()
      }
      if (next === 'is refused') refuse()
      else await listen()
    },
    close: async () => {
      refuse()
    },
  }
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.on('close', () => sockets.delete(socket))
}
