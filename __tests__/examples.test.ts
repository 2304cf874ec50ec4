import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import request from 'supertest'
import ts from 'typescript'
import type { RopgAuth } from '../lib/index.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../lib/testing/index.ts'
import { ada, secret } from './support/app.ts'
import { compileProgram, type CompiledProgram } from './support/compile-program.ts'
import { freePort } from './support/ports.ts'
import { answersPing, type RedisServer, startRedis } from './support/redis-server.ts'

const ROOT = join(__dirname, '..')

it('examples import nothing that the package lacks', () => {
  const files = readdirSync(join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' })
  const programs = files.filter((path) => path.endsWith('.ts') || path.endsWith('.js'))
  expect(programs.length).toBeGreaterThan(30)
  const outside = programs.flatMap((path) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(join(ROOT, 'examples', path), 'utf8'))
    const targets = importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    const files = targets.map(({ fileName }) => posix.join('examples', posix.dirname(path), fileName))
    return files.filter((file) => !file.startsWith('examples/'))
  })
  expect(outside).toEqual([])
})

describe('examples/quickstart.ts', () => {
  const users = [ada, { email: 'bob@example.com', password: 'blocked', blocked: true }]
  const before = { ...process.env }
  let emulator: Auth0Emulator
  let redis: RedisServer
  let app: Express
  let auth: RopgAuth

  beforeAll(async () => {
    // A separate Redis, because attempts are counted under the default prefix.
    redis = await startRedis()
    emulator = await startAuth0Emulator({ users })
    Object.assign(process.env, {
      AUTH0_DOMAIN: emulator.domain,
      AUTH0_CLIENT_ID: emulator.clientId,
      AUTH0_CLIENT_SECRET: emulator.clientSecret,
      SESSION_SECRET: secret,
      REDIS_URL: redis.url,
    })
    ;({ app, auth } = await import('../examples/quickstart.ts'))
  })
  afterAll(async () => {
    await auth.close()
    await emulator.close()
    await redis.stop()
    process.env = before
  })

  const login = (body: object = ada) => request(app).post('/api/auth/login').send(body)

  it('has at most 40 lines', () => {
    const lines = readFileSync(join(ROOT, 'examples', 'quickstart.ts'), 'utf8')
      .trim()
      .split('\n')
    expect(lines.length).toBeLessThanOrEqual(40)
  })

  it('logs in, returns the user, gets a token for an API, and logs out', async () => {
    const agent = request.agent(app)
    const { body } = await agent.post('/api/auth/login').send(ada).expect(200)
    expect(body).toEqual({
      success: true,
      user: { id: expect.stringMatching(/^auth0\|/), email: ada.email, name: ada.name },
      expires_at: expect.any(String),
    })
    const me = await agent.get('/api/me').expect(200)
    expect(me.body).toEqual({ sub: body.user.id, since: expect.stringMatching(/^\d{4}-.*Z$/) })
    const upstream = await agent.get('/api/upstream').expect(200)
    expect(upstream.body).toEqual({ bytes: expect.any(Number), expiresAt: expect.any(Number) })
    expect(upstream.body.bytes).toBeGreaterThan(20)
    await agent.post('/api/auth/logout').expect(200, { success: true })
    await agent.get('/api/me').expect(401)
  })

  it("accepts a browser's form", async () => {
    const answer = await request(app)
      .post('/api/auth/login')
      .type('form')
      .send({ email: ada.email, password: ada.password, remember_me: 'on' })
      .expect(200)
    expect(answer.headers['set-cookie']?.[0]).toContain('Expires=')
  })

  it('protects its routes', async () => {
    await request(app).get('/api/me').expect(401)
    await request(app).get('/api/upstream').expect(401)
  })

  it('distinguishes a wrong password from a blocked account, which gets a recovery URL', async () => {
    expect((await login({ ...ada, password: 'wrong' }).expect(401)).body.error).toBe('invalid_credentials')
    const { body } = await login({ email: 'bob@example.com', password: 'blocked' }).expect(403)
    expect(body).toMatchObject({ error: 'account_blocked', recovery_url: '/forgot-password' })
  })
})

interface Demo {
  /** Output until it listens. */
  text: string
  url: string
  /** Processes that it has started, including itself. */
  pids: number[]
  /** Sends SIGINT to the whole process group, like a terminal, or to one process, like `kill`. */
  interrupt(whom: 'group' | 'process'): Promise<{ code: number | null; after: number; stderr: string }>
}

describe('examples/demo', () => {
  const running: (() => void)[] = []
  let emptyFolder: string
  let compiled: CompiledProgram

  beforeAll(async () => {
    emptyFolder = await mkdtemp(join(tmpdir(), 'express-auth0-ropg-path-'))
    compiled = await compileProgram('examples/demo/start.ts')
  })
  afterAll(() => Promise.all([rm(emptyFolder, { recursive: true, force: true }), compiled.remove()]))
  afterEach(() => {
    for (const stop of running.splice(0)) stop()
  })

  function spawnDemo(
    env: Record<string, string | undefined>,
    [file, ...args]: readonly [string, ...string[]] = [process.execPath, compiled.path],
  ) {
    const child = spawn(file, args, {
      cwd: ROOT,
      // Its own process group, as in a terminal.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    })
    const pid = child.pid ?? 0
    running.push(() => {
      killGroup(pid)
    })
    return { child, pid }
  }

  async function startDemo(
    env: Record<string, string | undefined>,
    command?: readonly [string, ...string[]],
  ): Promise<Demo> {
    const { child, pid } = spawnDemo(env, command)
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line)
      if (line.includes('Ctrl-C')) break
    }
    const text = lines.join('\n')
    const url = /http:\/\/localhost:\d+/.exec(text)?.[0]
    if (url === undefined) throw new Error(`the demo did not start:\n${text}\n${stderr}`)
    return {
      text,
      url,
      pids: familyOf(pid),
      async interrupt(whom) {
        const started = performance.now()
        const exited = once(child, 'exit') as Promise<[number | null]>
        process.kill(whom === 'group' ? -pid : pid, 'SIGINT')
        const [code] = await exited
        return { code, after: performance.now() - started, stderr }
      },
    }
  }

  /** Runs the printed curl command with fetch. */
  async function tryIt({ text }: Demo): Promise<Response> {
    const printed = /curl -i (\S+) -H '([^:]+): ([^']+)' -d '([^']+)'/.exec(text)
    if (!printed) throw new Error(`no curl line in:\n${text}`)
    const [, url = '', name = '', value = '', body] = printed
    return fetch(url, { method: 'POST', headers: { [name]: value }, body: body ?? '' })
  }

  async function expectToWork(demo: Demo): Promise<void> {
    const login = await tryIt(demo)
    const { user } = (await login.json()) as { user: { id: string; email: string } }
    expect([login.status, user.email]).toEqual([200, ada.email])
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const me = await fetch(`${demo.url}/api/auth/user`, { headers: { cookie } })
    expect([me.status, await me.json()]).toMatchObject([200, { user: { sub: user.id } }])
    const page = await fetch(`${demo.url}/login`)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(await page.text()).toMatch(/<form\s+method="post"\s+action="\/api\/auth\/login"/)
  }

  async function expectToEnd(demo: Demo, whom: 'group' | 'process'): Promise<void> {
    const { code, after, stderr } = await demo.interrupt(whom)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(after).toBeLessThan(5_000)
    expect(await leftOf(demo.pids)).toEqual([])
    await expect(fetch(demo.url)).rejects.toThrow('fetch failed')
  }

  it.each(['group', 'process'] as const)(
    'starts its own Redis if one is installed, and stops it on SIGINT to the %s',
    async (whom) => {
      const demo = await startDemo({})
      const port = Number(/Sessions {5}Redis, started on port (\d+)/.exec(demo.text)?.[1])
      expect(await answersPing(port)).toBe(true)
      // node, a shell and redis-server.
      expect(demo.pids.length).toBeGreaterThanOrEqual(3)
      await expectToWork(demo)
      await expectToEnd(demo, whom)
      expect(await answersPing(port)).toBe(false)
    },
  )

  it('works as npm run demo, and ends when npm alone gets a SIGTERM', async () => {
    const demo = await startDemo({}, ['npm', 'run', 'demo'])
    const [npm = 0] = demo.pids
    expect(demo.pids.length).toBeGreaterThanOrEqual(3)
    await expectToWork(demo)
    process.kill(npm, 'SIGTERM')
    expect(await leftOf(demo.pids)).toEqual([])
  })

  it('ends with code 0 when a signal comes twice', async () => {
    const demo = await startDemo({ PATH: emptyFolder })
    process.kill(demo.pids[0]!, 'SIGINT')
    await expectToEnd(demo, 'process')
  })

  it('reports in one sentence that the Redis of REDIS_URL does not respond', async () => {
    const { child } = spawnDemo({ REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
    child.stdout.resume()
    const [code] = (await once(child, 'close')) as [number | null]
    expect(stderr).toBe(
      'The demo cannot start: the Redis of REDIS_URL does not answer. ' +
        'Start it, or unset REDIS_URL and the demo brings its own store.\n',
    )
    expect(code).toBe(1)
  })

  it('keeps sessions in memory without redis-server, and says so', async () => {
    const demo = await startDemo({ PATH: emptyFolder })
    expect(demo.text).toContain('Sessions     in this process (no redis-server found)')
    await expectToWork(demo)
    await expectToEnd(demo, 'process')
  })

  it('uses the Redis of REDIS_URL, says so, and leaves it running', async () => {
    const redis = await startRedis()
    const demo = await startDemo({ REDIS_URL: redis.url })
    expect(demo.text).toContain('Sessions     Redis of REDIS_URL')
    await expectToWork(demo)
    await expectToEnd(demo, 'group')
    expect(await answersPing(redis.port)).toBe(true)
    await redis.stop()
  })

  it('prints test users, each with a different outcome', async () => {
    const demo = await startDemo({ PATH: emptyFolder })
    const printed = Array.from(demo.text.matchAll(/^ {4}(\S+@\S+) +(.+)$/gm), ([, email, password]) => ({
      email,
      password,
    }))
    const answers = []
    for (const body of printed) {
      const answer = await fetch(`${demo.url}/api/auth/login`, {
        method: 'POST',
        body: new URLSearchParams(body as Record<string, string>),
      })
      answers.push([answer.status, ((await answer.json()) as { error?: string }).error])
    }
    expect(answers).toEqual([
      [200, undefined],
      ...Array.from({ length: 4 }, () => [403, 'mfa_required']),
      [403, 'interaction_required'],
      [403, 'account_blocked'],
      [403, 'password_leaked'],
    ])
    await expectToEnd(demo, 'group')
  })
})

/** Remaining processes of a group, if any. */
function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // The group is empty.
  }
}

/** All processes: id, parent, and whether it is a zombie. */
function processes(): { pid: number; parent: number; dead: boolean }[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid=,stat='], { encoding: 'utf8' })
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, state = '']) => ({ pid: Number(pid), parent: Number(parent), dead: state.startsWith('Z') }))
}

/** A process and its descendants. */
function familyOf(pid: number): number[] {
  const all = processes()
  const family = [pid]
  for (const member of family) {
    family.push(...all.filter(({ parent, dead }) => parent === member && !dead).map((child) => child.pid))
  }
  return family
}

/** Processes that are still alive. A killed process may take a moment to exit. */
async function leftOf(pids: number[]): Promise<number[]> {
  const living = () => processes().filter(({ pid, dead }) => pids.includes(pid) && !dead)
  const deadline = Date.now() + 10_000
  while (living().length > 0 && Date.now() < deadline) await wait(20)
  return living().map(({ pid }) => pid)
}
