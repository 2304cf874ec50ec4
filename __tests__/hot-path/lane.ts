import { once } from 'node:events'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express, type Request, type Response } from 'express'
import type { Redis } from 'ioredis'
import { createRopgAuth, type RopgAuth } from '../../lib/index.ts'
import { type Auth0Emulator, signIn } from '../../lib/testing/index.ts'
import { gate } from '../promises/support/site.ts'
import { secret } from '../support/app.ts'
import { uniquePrefix } from '../support/redis.ts'
import { NormalForm } from './normal-form.ts'
import type { CookieKind, Operation, Sequence, Single, Step, Visit } from './sequence.ts'

declare module 'express-session' {
  interface SessionData {
    note?: string
    cart?: string
    items?: { count: number }[]
  }
}

export interface LaneParts {
  emulator: Auth0Emulator
  redis: Redis
  lazySessions: boolean
}

/** One instance with keys of its own, which plays one sequence after the other. */
export interface Lane {
  /** Everything that can be seen of it, in normal form. */
  play(sequence: Sequence): Promise<unknown[]>
  stop(): Promise<void>
}

export const passwordOf = (number: number) => `password of ${number}`
export const emailOf = (number: number) => `user${number}@example.com`

export async function startLane({ emulator, redis, lazySessions }: LaneParts): Promise<Lane> {
  const prefix = uniquePrefix('lane')
  const { domain, clientId, clientSecret } = emulator
  const auth = createRopgAuth(
    {
      ...{ domain, clientId, clientSecret, redis, rateLimit: false, logger: false },
      session: { secret, prefix, preserve: ['cart'] },
    },
    { lazySessions } as object,
  )
  const runs = new Runs()
  const app = createApp(auth, runs)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.keepAliveTimeout = 0
  const agent = new Agent({ keepAlive: true })
  const { port } = server.address() as AddressInfo
  return {
    play: async (sequence) => {
      const player = new Player({ sequence, runs, auth, app, agent, port })
      const seen = await player.play()
      seen.push({ redis: await player.normal.ofRedis(redis, prefix) })
      const keys = await redis.keys(`${prefix}*`)
      if (keys.length) await redis.del(keys)
      return seen
    },
    stop: async () => {
      agent.destroy()
      server.closeAllConnections()
      server.close()
      await auth.close()
    },
  }
}

interface Run {
  steps: Step[]
  reached: boolean
  /** What the handler saw, to its end, which may be after that of the answer. */
  log: unknown[]
  /** Opened when the request has come in and stands. */
  arrived: ReturnType<typeof gate>
  go: ReturnType<typeof gate>
  finished: ReturnType<typeof gate>
}

/** The handlers that run or are about to. */
class Runs extends Map<string, Run> {
  #last = 0

  start(steps: Step[]): [id: string, run: Run] {
    const id = String(++this.#last)
    const run = { steps, reached: false, log: [], arrived: gate(), go: gate(), finished: gate() }
    this.set(id, run)
    return [id, run]
  }
}

function createApp(auth: RopgAuth, runs: Runs): Express {
  const app = express()
  const handler = async (req: Request, res: Response) => {
    const run = runs.get(String(req.params.run))!
    run.reached = true
    run.arrived.open()
    await run.go.opened
    for (const step of run.steps) run.log.push([step, await take(step, req, { res, log: run.log })])
    if (!ended.has(res)) await take('end', req, { res, log: run.log })
    run.finished.open()
  }
  app.disable('x-powered-by')
  app.use('/auth', auth.router)
  app.get('/guarded/:run', auth.requireAuth, handler as express.RequestHandler)
  app.get('/open/:run', auth.session, handler)
  return app
}

type Method = 'save' | 'regenerate' | 'destroy' | 'reload'

const METHODS: ReadonlySet<string> = new Set<Method>(['save', 'regenerate', 'destroy', 'reload'])

/** What the step saw. */
async function take(step: Step, req: Request, { res, log }: { res: Response; log: unknown[] }): Promise<unknown> {
  const looks: Partial<Record<Step, () => unknown>> = {
    has: () => 'session' in req,
    id: () => req.sessionID,
    auth: () => [(req as Partial<typeof req>).auth?.sub, (req as Partial<typeof req>).auth?.sessionId],
    logout: () => (req as Partial<typeof req>).auth?.logout().then(() => 'left'),
    null: () => Reflect.set(req, 'session', null),
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    strip: () => Reflect.deleteProperty(req.headers, 'cookie'),
    hook: () => {
      hook(req, res)
    },
    wrap: () => {
      wrap(res)
    },
    head: () => res.headersSent || ended.has(res) || Boolean(res.writeHead(200, { 'content-type': 'text/plain' })),
    stream: () => ended.has(res) || res.write('streamed\n'),
    end: () => ended.has(res) || endWith(res, log),
  }
  const look = looks[step]
  if (look) return look()
  if (step === 'write held' || step === 'age held') return changeHeld(req, step)
  const session = req.session as typeof req.session | undefined
  if (!session) return 'no session'
  if (step === 'hold') held.set(req, session)
  if (METHODS.has(step)) return called(session, step as Method)
  if (step === 'touch') session.touch()
  if (step === 'delete note') delete session.note
  if (step === 'write note') session.note = `${session.note ?? ''}.`
  if (step === 'proxy') req.session = new Proxy(session, {})
  if (step === 'replace') req.session = Object.create(session, { note: { value: 'another', ...own } }) as typeof session
  if (step === 'add item') addItem(session)
  if (step === 'age') session.cookie.maxAge = 3_600_000
  if (step === 'ageless') Reflect.set(session.cookie, 'maxAge', null)
  if (step === 'write cart') session.cart = `${session.cart ?? ''}+`
  const { note, cart, items, ropg, id } = session
  return { id, note, cart, items: JSON.stringify(items), sub: ropg?.sub, keys: Object.keys(session).sort() }
}

const own = { enumerable: true, configurable: true, writable: true }

/** Changes what is nested, too. */
function addItem(session: Request['session']): void {
  const [first] = (session.items ??= [])
  if (first && session.items.length > 2) first.count++
  else session.items.push({ count: 1 })
}

/** Sessions that a handler keeps, whatever becomes of `req.session`. */
const held = new WeakMap<Request, Request['session']>()

function changeHeld(req: Request, step: Step): unknown {
  const session = held.get(req)
  if (!session) return 'none held'
  if (step === 'age held') session.cookie.maxAge = 3_600_000
  else session.note = `${session.note ?? ''}held`
  return [session.note, session === req.session]
}

/** As a middleware does that changes bodies: nothing may be written through it after its end, and nothing past it. */
function wrap(res: Response): void {
  const before = { end: res.end.bind(res), write: res.write.bind(res), writeHead: res.writeHead.bind(res) }
  let isOver = false
  Object.assign(res, {
    end: (chunk?: unknown, ...args: unknown[]) => {
      isOver = true
      return Reflect.apply(before.end, res, [changed(chunk), ...args])
    },
    write: (chunk: unknown, ...args: unknown[]) =>
      !isOver && Reflect.apply(before.write, res, [changed(chunk), ...args]),
    writeHead: (...args: unknown[]) => Reflect.apply(before.writeHead, res, args),
  })
}

/** As a middleware does that looks at the session, and changes it, when an answer goes out. */
function hook(req: Request, res: Response): void {
  const before = { end: res.end.bind(res), writeHead: res.writeHead.bind(res) }
  const visit = (name: 'end' | 'writeHead', args: unknown[]) => {
    const session = req.session as typeof req.session | undefined
    if (session && !res.writableEnded) session.note = `${session.note ?? ''}${session.cookie.path}${name}`
    return Reflect.apply(before[name], res, args)
  }
  Object.assign(res, {
    end: (...args: unknown[]) => visit('end', args),
    writeHead: (...args: unknown[]) => visit('writeHead', args),
  })
}

function changed(chunk: unknown): unknown {
  if (typeof chunk !== 'string' && !Buffer.isBuffer(chunk)) return chunk
  return chunk.toString().replaceAll('"', "'")
}

function called(session: Request['session'], method: Method): Promise<unknown> {
  return new Promise((resolve) => {
    session[method]((err?: unknown) => {
      resolve(err instanceof Error ? err.message : 'done')
    })
  })
}

/** express-session holds the last byte back while it saves: until then `writableEnded` is false. */
const ended = new WeakSet<Response>()

function endWith(res: Response, log: unknown[]): undefined {
  ended.add(res)
  if (res.headersSent) res.end(JSON.stringify(log))
  else res.json(log)
}

interface PlayerParts {
  sequence: Sequence
  runs: Runs
  auth: RopgAuth
  app: Express
  agent: Agent
  port: number
}

interface Sent {
  method: string
  path: string
  cookie: string | undefined
  body?: object
}

interface Received {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

/** The browser of one sequence. */
class Player {
  readonly normal = new NormalForm()
  readonly #parts: PlayerParts
  /** Newest last. */
  readonly #ended: string[] = []
  #cookie: string | undefined

  constructor(parts: PlayerParts) {
    this.#parts = parts
  }

  async play(): Promise<unknown[]> {
    const { sequence, auth, app } = this.#parts
    const { number, begin, operations } = sequence
    const claims = { sub: `staged|${number}`, email: emailOf(number) }
    if (begin !== 'anonymous') this.#cookie = await signIn(app, auth, claims, { remember: begin === 'remembered' })
    if (this.#cookie !== undefined) this.normal.name(this.#cookie)
    const seen: unknown[] = []
    for (const operation of operations) seen.push(...(await this.#perform(operation)))
    return seen
  }

  async #perform(operation: Operation): Promise<unknown[]> {
    if (operation.kind === 'parallel') {
      const both = operation.both.map((visit) => this.#visit(visit))
      const seen = []
      for (const settle of await Promise.all(both)) seen.push(settle())
      return seen
    }
    if (operation.kind !== 'held') return [(await this.#single(operation))()]
    const release = gate()
    const arrived = gate()
    const held = this.#visit(operation.held, { arrived: arrived.open, release: release.opened })
    await Promise.race([arrived.opened, held])
    const by = (await this.#single(operation.by))()
    release.open()
    return [by, (await held)()]
  }

  async #single(operation: Single): Promise<() => unknown> {
    if (operation.kind === 'visit') return this.#visit(operation)
    const cookie = this.#cookieOf(operation.cookie)
    if (operation.kind === 'user') return this.#ask({ method: 'GET', path: '/auth/user', cookie })
    if (!('good' in operation)) return this.#ask({ method: 'POST', path: '/auth/logout', cookie })
    const { number } = this.#parts.sequence
    const { good, remember } = operation
    const body = { email: emailOf(number), password: good ? passwordOf(number) : 'wrong', remember_me: remember }
    return this.#ask({ method: 'POST', path: '/auth/login', cookie, body })
  }

  async #visit({ behind, method, steps, cookie }: Visit, hold?: { arrived: () => void; release: Promise<void> }) {
    const { runs } = this.#parts
    const [id, run] = runs.start(steps)
    if (hold) {
      void run.arrived.opened.then(hold.arrived)
      void hold.release.then(run.go.open)
    } else run.go.open()
    const settle = await this.#ask({ method, path: `/${behind}/${id}`, cookie: this.#cookieOf(cookie) })
    // A request that was refused never reaches the handler.
    if (run.reached) await run.finished.opened
    runs.delete(id)
    return () => ({ ...settle(), log: this.normal.of(run.log) })
  }

  /** Resolves to what takes the cookie and tells of the answer, so that two at once are told of in order. */
  async #ask(sent: Sent): Promise<() => object> {
    const { status, headers, body } = await send(sent, this.#parts)
    return () => {
      for (const header of headers['set-cookie'] ?? []) this.#keep(header)
      const { date: _date, etag: _etag, ...others } = headers
      return {
        asked: sent.path.replace(/\d+$/, 'run'),
        status,
        headers: this.normal.of(others),
        body: this.normal.of(body),
      }
    }
  }

  #keep(header: string) {
    const [pair = ''] = header.split(';')
    if (this.#cookie !== undefined) this.#ended.push(this.#cookie)
    this.#cookie = pair.endsWith('=') ? undefined : pair
  }

  #cookieOf(kind: CookieKind): string | undefined {
    if (kind === 'none') return undefined
    if (kind === 'ended') return this.#ended.at(-1)
    if (kind === 'own' || this.#cookie === undefined) return this.#cookie
    return `${this.#cookie.slice(0, -4)}AAAA`
  }
}

function send({ method, path, cookie, body }: Sent, { agent, port }: PlayerParts): Promise<Received> {
  const text = body && JSON.stringify(body)
  const headers = {
    ...(cookie !== undefined && { cookie }),
    ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  }
  return new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, method, path, headers, agent }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () => {
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks).toString() })
      })
    })
    req.on('error', reject)
    req.end(text)
  })
}
