/**
 * The load: keep-alive connections that each send the next request when the last is answered. Raw sockets, because a
 * full HTTP client costs as much as the servers it is to measure.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { answerParent } from './answering.ts'
import { ResponseReader } from './response-reader.ts'

export interface LoadOrder {
  port: number
  connections: number
  seconds: number
  /** Whole requests as they go over the wire, taken in turn. */
  requests: string[]
}

export interface LoadReport {
  requests: number
  seconds: number
  /** Status -> how many. */
  statuses: Record<string, number>
  /** Microseconds. */
  p50: number
  p99: number
  /** Part of one CPU that this process took. */
  busy: number
}

answerParent('', { run })

async function run({ port, connections, seconds, requests }: LoadOrder): Promise<LoadReport> {
  const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1', noDelay: true }))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const tally = new Tally(requests.map((request) => Buffer.from(request)))
  const cpu = process.cpuUsage()
  const begin = performance.now()
  await Promise.all(sockets.map((socket) => keepAsking(socket, tally, begin + seconds * 1000)))
  const elapsed = performance.now() - begin
  const { user, system } = process.cpuUsage(cpu)
  return { ...tally.report(), seconds: elapsed / 1000, busy: (user + system) / 1000 / elapsed }
}

class Tally {
  readonly #requests: Buffer[]
  readonly #latencies: number[] = []
  readonly #statuses: Record<string, number> = {}
  #sent = 0

  constructor(requests: Buffer[]) {
    this.#requests = requests
  }

  next(): Buffer {
    return this.#requests[this.#sent++ % this.#requests.length]!
  }

  count(status: number, milliseconds: number): void {
    this.#latencies.push(milliseconds)
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1
  }

  report() {
    const sorted = Float64Array.from(this.#latencies).sort()
    const at = (part: number) => Math.round((sorted[Math.floor(part * (sorted.length - 1))] ?? 0) * 1000)
    return { requests: sorted.length, statuses: this.#statuses, p50: at(0.5), p99: at(0.99) }
  }
}

function keepAsking(socket: Socket, tally: Tally, until: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0
    const ask = () => {
      sentAt = performance.now()
      socket.write(tally.next())
    }
    const reader = new ResponseReader((status) => {
      const now = performance.now()
      tally.count(status, now - sentAt)
      if (now < until) ask()
      else socket.destroy()
    })
    socket.on('data', (data) => {
      reader.read(data)
    })
    socket.on('error', reject)
    socket.on('close', resolve)
    ask()
  })
}
