import { once } from 'node:events'
import { createServer } from 'node:net'

// Below the ephemeral range (32768 and up), so that neither `listen(0)` nor outgoing connections take these ports. The
// cluster bus port, 10,000 higher, is below it too.
const FIRST = 11_000
const PER_WORKER = 1_000
const WORKERS = 10

// Starts at a different port for each concurrent test run.
let taken = (process.pid * 37) % PER_WORKER

/** A port that nothing listens on and that no other Jest worker gets. */
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
