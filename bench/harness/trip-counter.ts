import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy in front of Redis that counts how often a client sends something and waits for the answer. */
export interface TripCounter {
  /** For clients, in place of that of the Redis. */
  url: string
  /** So far, over all connections. Commands in one write, or in several before any answer, are one round trip. */
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

/** One ends with the other. */
function join(client: Socket, redis: Socket): void {
  client.on('close', () => redis.destroy()).on('error', () => undefined)
  redis.on('close', () => client.destroy()).on('error', () => undefined)
}
