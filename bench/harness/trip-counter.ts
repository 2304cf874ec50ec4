import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A Redis proxy that counts round trips. */
export interface TripCounter {
  /** Replaces the Redis URL for clients. */
  url: string
  /** Total over all connections. Commands sent before any reply arrives count as one round trip. */
  trips(): number
  close(): void
}

export async function startTripCounter(redisPort: number): Promise<TripCounter> {
  let trips = 0
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const redis = connect({ port: redisPort, host: '127.0.0.1', noDelay: true })
    let waiting = false
    client.on('data', (data) => {
      if (!waiting) trips++
      waiting = true
      redis.write(data)
    })
    redis.on('data', (data) => {
      waiting = false
      client.write(data)
    })
    join(client, redis)
    for (const socket of [client, redis]) sockets.add(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    trips: () => trips,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Closing one side closes the other. */
function join(client: Socket, redis: Socket): void {
  client.on('close', () => redis.destroy()).on('error', () => undefined)
  redis.on('close', () => client.destroy()).on('error', () => undefined)
}
