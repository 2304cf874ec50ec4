import { once } from 'node:events'
import { createServer } from 'node:net'

// Below what systems hand out by themselves (32768 and up), so that no `listen(0)` and no outgoing connection takes one;
// and 10,000 more, where a node of a Redis Cluster has its bus, is below that, too.
const FIRST = 11_000
const PER_WORKER = 1_000
const WORKERS = 10

// Apart from where another run of the tests on this machine begins.
let taken = (process.pid * 37) % PER_WORKER

/** A port on which nobody listens, and which no other worker of jest is given. */
export async function freePort(): Promise<number> {
  const worker = Number(process.env.JEST_WORKER_ID ?? 0) % WORKERS
  for (let tries = 0; tries < PER_WORKER; tries++) {
    const port = FIRST + worker * PER_WORKER + (taken++ % PER_WORKER)
    if (await isFree(port)) return port
  }
  throw new Error('No port is free for the tests.')
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
