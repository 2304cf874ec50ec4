import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** One address for several servers, as in managed Redis. A failover changes where new connections go. */
export interface Switchboard {
  url: string
  /** Directs new connections to this server. Existing ones stay where they are. */
  lead(port: number): void
  /** Silently drops all traffic of existing connections, as if their machine had disappeared. */
  silence(): void
  /** Number of connections so far. */
  readonly count: number
  stop(): Promise<void>
}

export async function startSwitchboard(first: number): Promise<Switchboard> {
  let target = first
  let count = 0
  const lines = new Set<[Socket, Socket]>()
  const server = createServer((socket) => {
    count += 1
    const onward = connect(target, '127.0.0.1')
    const line: [Socket, Socket] = [socket, onward]
    lines.add(line)
    for (const end of line) {
      end.on('error', () => undefined)
      end.on('close', () => {
        lines.delete(line)
        for (const other of line) other.destroy()
      })
    }
    socket.pipe(onward).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lead(port) {
      target = port
    },
    silence() {
      for (const [socket, onward] of lines) {
        socket.unpipe()
        onward.unpipe()
      }
    },
    get count() {
      return count
    },
    async stop() {
      server.close()
      for (const line of lines) for (const end of line) end.destroy()
      await once(server, 'close')
    },
  }
}
