/**
 * Load generator: each keep-alive connection sends its next request when the last one is answered. It uses raw sockets
 * for microsecond latencies, and so that every request has been answered when the counters are read.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { answerParent } from './answering.ts'
import { ResponseReader } from './response-reader.ts'

export interface LoadOrder {
  /** Connections are spread over these ports. */
  ports: number[]
  connections: number
  /** Stops after this time or this number of requests. */
  seconds?: number
  total?: number
  /** Complete HTTP requests, sent in turn. */
  requests: string[]
}

export interface LoadReport {
  requests: number
  seconds: number
  /** Status -> count. `lost` counts broken connections. */
  statuses: Record<string, number>
  /** Microseconds. */
  p50: number
  p99: number
  /** CPU share of this process. */
  busy: number
}

answerParent('', { run })

async function run({ ports, connections, requests, ...limits }: LoadOrder): Promise<LoadReport> {
  const portOf = (place: number) => ports[place % ports.length] ?? 0
  const open = (place: number) => connect({ port: portOf(place), host: '127.0.0.1', noDelay: true })
  const sockets = Array.from({ length: connections }, (_, place) => open(place))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const tally = new Tally(
    requests.map((request) => Buffer.from(request)),
    limits,
  )
  const cpu = process.cpuUsage()
  const begin = performance.now()
  await Promise.all(sockets.map((socket) => keepAsking(socket, tally)))
  const elapsed = performance.now() - begin
  const { user, system } = process.cpuUsage(cpu)
  return { ...tally.report(), seconds: elapsed / 1000, busy: (user + system) / 1000 / elapsed }
}

type Limits = Pick<LoadOrder, 'seconds' | 'total'>

class Tally {
  readonly #requests: Buffer[]
  readonly #until: number
  readonly #total: number
  readonly #latencies: number[] = []
  readonly #statuses: Record<string, number> = {}
  #sent = 0

  constructor(requests: Buffer[], { seconds = Infinity, total = Infinity }: Limits) {
    this.#requests = requests
    this.#until = performance.now() + seconds * 1000
    this.#total = total
  }

  /** The next request, or undefined to stop. */
  next(): Buffer | undefined {
    if (performance.now() >= this.#until || this.#sent >= this.#total) return undefined
    return this.#requests[this.#sent++ % this.#requests.length]!
  }

  count(status: string, milliseconds: number): void {
    this.#latencies.push(milliseconds)
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1
  }

  report() {
    const sorted = Float64Array.from(this.#latencies).sort()
    const at = (part: number) => Math.round((sorted[Math.floor(part * (sorted.length - 1))] ?? 0) * 1000)
    return { requests: sorted.length, statuses: this.#statuses, p50: at(0.5), p99: at(0.99) }
  }
}

function keepAsking(socket: Socket, tally: Tally): Promise<void> {
  return new Promise((resolve) => {
    let sentAt = 0
    let done = false
    const ask = () => {
      const request = tally.next()
      if (!request) {
        done = true
        socket.destroy()
        return
      }
      sentAt = performance.now()
      socket.write(request)
    }
    const reader = new ResponseReader((status) => {
      tally.count(status, performance.now() - sentAt)
      ask()
    })
    socket.on('data', (data) => {
      reader.read(data)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (!done) tally.count('lost', performance.now() - sentAt)
      resolve()
    })
    ask()
  })
}
