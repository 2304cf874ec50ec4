import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createHttpClient } from '../../lib/auth0/http-client.ts'
import { freePort } from '../support/ports.ts'

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

/** A server and its connections. */
async function serve(handle: RequestListener) {
  const server = createServer(handle)
  const sockets: Socket[] = []
  server.on('connection', (socket) => sockets.push(socket))
  return { host: await listen(server), sockets }
}

/** Resolves when all connections are closed, with or without an error. */
async function closed(sockets: Socket[]): Promise<void> {
  const open = sockets.filter((socket) => !socket.closed)
  await Promise.all(open.map((socket) => new Promise((resolve) => socket.on('close', resolve))))
}

function openClient() {
  const client = createHttpClient(5000)
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

/** A proxy and the hosts that it was asked to tunnel to. */
async function startProxy() {
  const asked: (string | undefined)[] = []
  const proxy = createServer()
  proxy.on('connect', (req, client: Socket) => {
    asked.push(req.url)
    const [name, port] = (req.url ?? '').split(':')
    const upstream = connect(Number(port), name, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    upstream.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'))
    client.on('error', () => undefined)
    undo.push(
      () => upstream.destroy(),
      () => client.destroy(),
    )
  })
  return { host: await listen(proxy), asked }
}

/** Accepts connections and never answers. */
async function startSilent() {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => undefined).resume())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undo.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`
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
  })

  it.each([204, 304])('accepts an answer with status %i, which has no body', async (status) => {
    const { host } = await serve((_req, res) => res.writeHead(status).end())
    const answer = await openClient().fetch(`http://${host}/`)
    expect([answer.status, await answer.text()]).toEqual([status, ''])
  })

  it('does not follow redirects', async () => {
    const { host, sockets } = await serve((_req, res) => res.writeHead(302, { Location: '/elsewhere' }).end())
    const answer = await openClient().fetch(`http://${host}/`)
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/elsewhere'])
    expect(sockets).toHaveLength(1)
  })

  it('keeps connections alive between requests', async () => {
    const { host, sockets } = await serve((_req, res) => res.end('{}'))
    const client = openClient()
    for (let count = 0; count < 10; count++) await client.fetch(`http://${host}/`)
    // The first connection may still be busy when the second request starts.
    expect(sockets.length).toBeLessThanOrEqual(2)
  })

  it('opens at most 96 connections, however many requests there are at once', async () => {
    const waiting: (() => void)[] = []
    let arrived: (() => void) | undefined
    const { host, sockets } = await serve((_req, res) => {
      waiting.push(() => res.end('{}'))
      if (waiting.length === 96) arrived?.()
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
    expect(sockets).toHaveLength(96)
  })

  it('accepts a body of 1 MB, and rejects a longer one', async () => {
    const { host } = await serve((req, res) => {
      if (req.url === '/limit') return res.end('x'.repeat(1_048_576))
      const more = () => res.write('x'.repeat(65_536), (err) => err ?? more())
      return more()
    })
    const client = openClient()
    expect(await (await client.fetch(`http://${host}/limit`)).text()).toHaveLength(1_048_576)
    await expect(client.fetch(`http://${host}/endless`)).rejects.toMatchObject({
      code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE',
    })
  })

  it.each(['/silent', '/unfinished'])('stops waiting for %s when its signal is aborted', async (path) => {
    const controller = new AbortController()
    const { host, sockets } = await serve((req, res) => {
      if (req.url === '/unfinished') res.write('{')
      setImmediate(() => {
        controller.abort(new DOMException('too late', 'TimeoutError'))
      })
    })
    const answer = openClient().fetch(`http://${host}${path}`, { signal: controller.signal })
    await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' })
    await closed(sockets)
  })

  it('sends nothing when its signal is aborted beforehand', async () => {
    const { host, sockets } = await serve((_req, res) => res.end('{}'))
    const signal = AbortSignal.abort(new DOMException('too late', 'TimeoutError'))
    await expect(openClient().fetch(`http://${host}/`, { signal })).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(sockets).toHaveLength(0)
  })

  it('never sends a request that was aborted while it waited for a connection', async () => {
    const paths: (string | undefined)[] = []
    const waiting: (() => void)[] = []
    let arrived: (() => void) | undefined
    const full = new Promise<void>((resolve) => (arrived = resolve))
    const { host } = await serve((req, res) => {
      paths.push(req.url)
      waiting.push(() => res.end('{}'))
      if (waiting.length === 96) arrived?.()
    })
    const client = createHttpClient(5000)
    const first = Array.from({ length: 96 }, () => client.fetch(`http://${host}/first`))
    await full
    const controller = new AbortController()
    const late = client.fetch(`http://${host}/late`, { signal: controller.signal })
    controller.abort(new DOMException('too late', 'TimeoutError'))
    await expect(late).rejects.toMatchObject({ name: 'TimeoutError' })
    for (const answer of waiting) answer()
    await Promise.all(first)
    await client.close()
    expect(paths).toEqual(Array.from({ length: 96 }, () => '/first'))
  })

  it('closes its connections when the requests under way have been answered', async () => {
    const client = createHttpClient(5000)
    const closing: Promise<void>[] = []
    const { host, sockets } = await serve((_req, res) => {
      closing.push(client.close())
      setImmediate(() => res.end('{}'))
    })
    expect((await client.fetch(`http://${host}/`)).status).toBe(200)
    await Promise.all([...closing, closed(sockets)])
    expect(closing).toHaveLength(1)
    await expect(client.fetch(`http://${host}/`)).rejects.toMatchObject({ code: 'UND_ERR_DESTROYED' })
  })

  describe('with proxies in the environment', () => {
    beforeEach(() => {
      for (const name of ['http_proxy', 'https_proxy', 'no_proxy']) {
        for (const spelling of [name, name.toUpperCase()]) {
          setEnv(spelling, '')
          Reflect.deleteProperty(process.env, spelling)
        }
      }
    })

    it.each(['HTTP_PROXY', 'http_proxy'])('goes through %s, except to the hosts in NO_PROXY', async (name) => {
      const { host } = await serve((_req, res) => res.end('{}'))
      const proxy = await startProxy()
      setEnv(name, `http://${proxy.host}`)
      expect((await openClient().fetch(`http://${host}/`)).status).toBe(200)
      expect(proxy.asked).toEqual([host])
      setEnv(name === 'HTTP_PROXY' ? 'NO_PROXY' : 'no_proxy', '127.0.0.1')
      expect((await openClient().fetch(`http://${host}/`)).status).toBe(200)
      expect(proxy.asked).toEqual([host])
    })

    it.each(['HTTPS_PROXY', 'https_proxy'])('goes to https: URLs through %s, written without http:', async (name) => {
      const proxy = await startProxy()
      setEnv('HTTP_PROXY', 'http://proxy.invalid')
      setEnv(name, proxy.host)
      const target = `127.0.0.1:${String(await freePort())}`
      await expect(openClient().fetch(`https://${target}/`)).rejects.toThrow('502')
      expect(proxy.asked).toEqual([target])
    })

    it('also rejects a body that is too long and stops at its signal', async () => {
      const { host } = await serve((req, res) => {
        if (req.url === '/long') res.end('x'.repeat(1_048_577))
      })
      const proxy = await startProxy()
      setEnv('HTTP_PROXY', proxy.host)
      const client = openClient()
      await expect(client.fetch(`http://${host}/long`)).rejects.toMatchObject({ code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' })
      const signal = AbortSignal.timeout(50)
      await expect(client.fetch(`http://${host}/`, { signal })).rejects.toMatchObject({ name: 'TimeoutError' })
    })

    it('does not wait long for a proxy that does not respond', async () => {
      setEnv('HTTP_PROXY', await startSilent())
      const client = createHttpClient(200)
      const signal = AbortSignal.timeout(50)
      await expect(client.fetch('http://tenant.invalid/', { signal })).rejects.toMatchObject({ name: 'TimeoutError' })
      // By default, undici would wait for five minutes.
      await client.close()
    })
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
      createHttpClient(5000).fetch(process.env.ASKED).then(
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
