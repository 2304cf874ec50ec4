import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** One address in front of several servers, as a managed Redis has it: fail-over changes where new connections lead. */
export interface Switchboard {
  url: string
  /** New connections lead there; those that exist stay where they are. */
  lead(port: number): void
  /** From now on nothing passes through the connections that exist, and nobody is told: their machine is gone. */
  silence(): void
  /** Connections so far. */
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
