import { afterEach, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createHttpClient } from '../../lib/auth0/http-client.ts'

const tls = (part: 'cert' | 'key') => join(__dirname, 'tls', `localhost.${part}.pem`)
const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const task of undo.splice(0).reverse()) await task()
})

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undo.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`
}

/** A server, and the connections that were made to it. */
async function serve(handle: RequestListener) {
  const server = createServer(handle)
  const sockets: Socket[] = []
  server.on('connection', (socket) => sockets.push(socket))
  return { host: await listen(server), sockets }
}

function openClient() {
  const client = createHttpClient()
  undo.push(() => client.close())
  return client
}

function setEnv(name: string, value: string): void {
  const before = process.env[name]
  process.env[name] = value
  undo.push(() => {
    if (before === undefined) Reflect.deleteProperty(process.env, name)
    else process.env[name] = before
  })
}

describe('the HTTP client', () => {
  it('sends a form as fetch does, and gives its answer as fetch does', async () => {
    const seen: unknown[] = []
    const { host } = await serve((req, res) => {
      req.setEncoding('utf8')
      req.on('data', (body: string) => {
        seen.push([req.method, req.url, req.headers['content-type'], req.headers['x-more'], body])
      })
      req.on('end', () => {
        res.writeHead(403, { 'Content-Type': 'application/json; charset=utf-8', 'Set-Cookie': ['a=1', 'b=2'] })
        res.end('{"error":"no ünicode"}')
      })
    })
    const answer = await openClient().fetch(`http://${host}/oauth/token?x=1`, {
      method: 'POST',
      headers: new Headers({ 'x-more': 'yes' }),
      body: new URLSearchParams({ password: 'ä &=+' }),
    })
    expect(seen).toEqual([
      [
        'POST',
        '/oauth/token?x=1',
        'application/x-www-form-urlencoded;charset=UTF-8',
        'yes',
        'password=%C3%A4+%26%3D%2B',
      ],
    ])
    expect(answer).toBeInstanceOf(Response)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([403, 'application/json; charset=utf-8'])
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await answer.json()).toEqual({ error: 'no ünicode' })
    expect(await answer.text()).toBe('{"error":"no ünicode"}')
  })

  it('follows no redirect', async () => {
    const { host, sockets } = await serve((_req, res) => res.writeHead(302, { Location: '/elsewhere' }).end())
    const answer = await openClient().fetch(`http://${host}/`)
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/elsewhere'])
    expect(sockets).toHaveLength(1)
  })

  it('keeps connections alive for requests that follow each other', async () => {
    const { host, sockets } = await serve((_req, res) => res.end('{}'))
    const client = openClient()
    for (let count = 0; count < 10; count++) await client.fetch(`http://${host}/`)
    // The second request may find the first connection not yet at rest.
    expect(sockets.length).toBeLessThanOrEqual(2)
  })

  it('opens at most 64 connections, however many requests there are at once', async () => {
    const waiting: (() => void)[] = []
    let arrived: (() => void) | undefined
    const { host, sockets } = await serve((_req, res) => {
      waiting.push(() => res.end('{}'))
      if (waiting.length === 64) arrived?.()
    })
    const full = new Promise<void>((resolve) => (arrived = resolve))
    const client = openClient()
    const answers = Array.from({ length: 200 }, () => client.fetch(`http://${host}/`))
    await full
    const drain = setInterval(() => {
      for (const answer of waiting.splice(0)) answer()
    }, 1)
    undo.push(() => {
      clearInterval(drain)
    })
    expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true)
    expect(sockets).toHaveLength(64)
  })

  it('gives up when its signal says so, and when an answer has no end', async () => {
    const { host } = await serve((req, res) => {
      if (req.url !== '/endless') return
      const more = () => res.write('x'.repeat(65_536), (err) => err ?? more())
      more()
    })
    const client = openClient()
    const controller = new AbortController()
    const silent = client.fetch(`http://${host}/silent`, { signal: controller.signal })
    controller.abort(new DOMException('too late', 'TimeoutError'))
    await expect(silent).rejects.toMatchObject({ name: 'TimeoutError' })
    await expect(client.fetch(`http://${host}/endless`)).rejects.toMatchObject({
      code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE',
    })
  })

  it('goes through the proxy that the environment names, but for the hosts that it excepts', async () => {
    const { host } = await serve((_req, res) => res.end('{}'))
    const asked: (string | undefined)[] = []
    const proxy = createServer()
    proxy.on('connect', (req, client: Socket) => {
      asked.push(req.url)
      const [name, port] = (req.url ?? '').split(':')
      const upstream = connect(Number(port), name, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n')
        upstream.pipe(client).pipe(upstream)
      })
      for (const socket of [upstream, client]) socket.on('error', () => undefined)
      undo.push(
        () => upstream.destroy(),
        () => client.destroy(),
      )
    })
    const proxyHost = await listen(proxy)
    setEnv('HTTP_PROXY', `http://${proxyHost}`)
    expect((await openClient().fetch(`http://${host}/`)).status).toBe(200)
    expect(asked).toEqual([host])
    setEnv('NO_PROXY', '127.0.0.1')
    expect((await openClient().fetch(`http://${host}/`)).status).toBe(200)
    expect(asked).toEqual([host])
  })

  it('trusts the authorities of NODE_EXTRA_CA_CERTS, and no others', async () => {
    const server = createTlsServer({ cert: readFileSync(tls('cert')), key: readFileSync(tls('key')) }, (_req, res) => {
      res.end('{}')
    })
    const host = await listen(server)
    const folder = await mkdtemp(join(tmpdir(), 'express-auth0-ropg-tls-'))
    undo.push(() => rm(folder, { recursive: true, force: true }))
    const outfile = join(folder, 'fetch.cjs')
    const contents = `
      import { createHttpClient } from './http-client.ts'
      createHttpClient().fetch(process.env.ASKED).then(
        ({ status }) => console.log(status),
        (err) => console.log(err.code),
      )`
    const stdin = { contents, resolveDir: join(__dirname, '../../lib/auth0'), loader: 'ts' as const }
    await build({ stdin, outfile, bundle: true, platform: 'node', target: 'node20' })
    const run = async (env: object) => {
      const { stdout } = await promisify(execFile)(process.execPath, [outfile], {
        env: { ...process.env, ASKED: `https://${host}/`, ...env },
      })
      return stdout.trim()
    }
    expect(await run({ NODE_EXTRA_CA_CERTS: tls('cert') })).toBe('200')
    expect(await run({ NODE_EXTRA_CA_CERTS: '' })).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
  })
})
