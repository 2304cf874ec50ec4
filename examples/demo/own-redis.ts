import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export interface OwnRedis {
  port: number
  stop(): Promise<void>
}

/** The shell waits for the end of its input, which comes when this process ends, however it does. */
const RUN =
  'server=$(command -v redis-server || command -v valkey-server) || exit; "$server" "$@" & exec >&-; read -r _; kill -9 $!'

/** A Redis or Valkey that keeps nothing on disk and ends with this process. Undefined if none is installed. */
export async function startOwnRedis(): Promise<OwnRedis | undefined> {
  const port = await freePort()
  const settings = { port, bind: '127.0.0.1', dir: tmpdir(), save: '', appendonly: 'no', logfile: '' }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  // Ctrl-C must not end it before the demo has stopped.
  const shell = spawn('sh', ['-c', RUN, 'sh', ...args], { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
  shell.stdin.on('error', () => undefined)
  const exited = once(shell, 'exit').catch(() => undefined)
  const stop = async () => {
    shell.stdin.end()
    await exited
  }
  if (await isReady(shell.stdout)) return { port, stop }
  await stop()
  return undefined
}

async function isReady(log: Readable): Promise<boolean> {
  for await (const line of createInterface({ input: log })) {
    if (!line.includes('Ready to accept connections')) continue
    log.resume()
    return true
  }
  return false
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
