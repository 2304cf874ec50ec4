import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface RedisSwitch {
  /** Use instead of the Redis URL. */
  url: string
  /** Disconnects Redis for this long. */
  turnOff(ms: number): void
  stop(): Promise<void>
}

/** A proxy between the app and Redis that lets the demo simulate a Redis outage. */
export async function startRedisSwitch(redisUrl: string): Promise<RedisSwitch> {
  const { hostname, port } = new URL(redisUrl)
  const open = new Set<Socket>()
  let offUntil = 0
  const server = createServer((socket) => {
    if (Date.now() < offUntil) {
      socket.destroy()
      return
    }
    const redis = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) })
    join(socket, redis, open)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = new URL(redisUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    url: url.href,
    turnOff(ms) {
      offUntil = Date.now() + ms
      cut()
    },
    async stop() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function join(client: Socket, redis: Socket, open: Set<Socket>): void {
  for (const [socket, other] of [
    [client, redis],
    [redis, client],
  ] as const) {
    open.add(socket)
    socket.pipe(other)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      open.delete(socket)
      other.destroy()
    })
  }
}
