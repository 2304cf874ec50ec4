import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseEnv } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { resolveOptions } from '../lib/options/resolve-options.ts'
import { VARIABLES } from '../lib/options/environment.ts'
import { startAuth0Emulator } from '../lib/testing/index.ts'
import { ada, secret } from './support/app.ts'
import { type Block, prose, readPage, titled } from './support/markdown.ts'
import { startRedis } from './support/redis-server.ts'

const ROOT = join(__dirname, '..')
const MOST_WORDS = 900
const readme = readPage('README.md')
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

const inLanguage = (name: string) => readme.blocks.filter(({ language }) => language === name)
const only = (name: string): Block => {
  const [block, ...others] = inLanguage(name)
  if (!block || others.length > 0) throw new Error(`README.md needs exactly one block of ${name}`)
  return block
}

describe('README.md', () => {
  it(`has at most ${MOST_WORDS} words outside of code blocks`, () => {
    expect(prose(readme).split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(MOST_WORDS)
  })

  it('shows code in languages that are tested here', () => {
    expect([...new Set(readme.blocks.map(({ language }) => language))].sort()).toEqual([
      'dotenv',
      'js',
      'mermaid',
      'sh',
    ])
  })

  it.each(titled(inLanguage('sh')))('calls only npm scripts that exist: %s', (_title, { code }) => {
    const scripts = Array.from(code.matchAll(/npm (?:run )?([\w:-]+)/g), ([, name = '']) => name)
    const own = scripts.filter((name) => !['ci', 'install'].includes(name))
    expect(own.filter((name) => manifest.scripts[name] === undefined)).toEqual([])
  })

  it.each(['npm ci && npm run demo', 'npm ci && npm test'])('has the command %s', (command) => {
    expect(inLanguage('sh').map(({ code }) => code.trim())).toContain(command)
  })

  it('draws arrows only between participants that it declares', () => {
    const { code } = only('mermaid')
    const declared = Array.from(code.matchAll(/^ {2}participant (\w+)/gm), ([, name]) => name)
    const used = Array.from(code.matchAll(/^ {2}(\w+)--?>>(\w+): \S/gm), ([, from, to]) => [from, to])
    expect(new Set(used.flat())).toEqual(new Set(declared))
    expect(code.trim().split('\n')).toHaveLength(1 + declared.length + used.length)
  })
})

describe('the .env of README.md', () => {
  const env = parseEnv(only('dotenv').code)

  it('has four lines, one for each variable that is required', () => {
    const { redis, ...required } = VARIABLES
    expect(only('dotenv').code.trim().split('\n')).toHaveLength(4)
    expect(Object.keys(env).sort()).toEqual(Object.values(required).sort())
    expect(prose(readme)).toContain(`\`${redis}\``)
  })

  it('is refused until each placeholder is replaced', () => {
    const attempt = () => resolveOptions({ logger: false }, {}, env)
    for (const variable of Object.keys(env)) expect(attempt).toThrow(variable)
  })
})

describe('the app of README.md', () => {
  const { code } = only('js')
  let folder: string

  beforeAll(async () => {
    // Inside the repository, so that the package resolves by name, and in a folder that git ignores.
    await mkdir(join(ROOT, 'coverage'), { recursive: true })
    folder = await mkdtemp(join(ROOT, 'coverage', 'readme-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('has at most 15 lines', () => {
    expect(code.trim().split('\n').length).toBeLessThanOrEqual(15)
  })

  it.each(['memory', 'Redis'])('logs a user in, with sessions in %s', async (store) => {
    const emulator = await startAuth0Emulator({ users: [ada] })
    const redis = store === 'Redis' ? await startRedis() : undefined
    const settings = {
      AUTH0_DOMAIN: emulator.domain,
      AUTH0_CLIENT_ID: emulator.clientId,
      AUTH0_CLIENT_SECRET: emulator.clientSecret,
      SESSION_SECRET: secret,
      ...(redis && { REDIS_URL: redis.url }),
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
    await writeFile(join(folder, '.env'), lines.join('\n'))
    expect(code).toContain('app.listen(3000)')
    const anyPort = code.replace('app.listen(3000)', 'app.listen(0, function () { console.log(this.address().port) })')
    await writeFile(join(folder, 'app.mjs'), anyPort)
    // tsx resolves the package to lib/, so no build is needed.
    const child = spawn(process.execPath, ['--import', 'tsx', '--env-file=.env', 'app.mjs'], {
      ...{ cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH } },
    })
    const exited = once(child, 'exit')
    try {
      await expectToWork(await portOf(child.stdout, exited))
    } finally {
      child.kill()
      await exited
      await emulator.close()
      await redis?.stop()
    }
  })
})

async function portOf(stdout: NodeJS.ReadableStream | null, exited: Promise<unknown[]>): Promise<string> {
  if (!stdout) throw new Error('the app has no output')
  const lines = createInterface({ input: stdout })
  for await (const line of lines) if (/^\d+$/.test(line)) return line
  throw new Error(`the app ended: ${String(await exited)}`)
}

async function expectToWork(port: string): Promise<void> {
  const url = `http://127.0.0.1:${port}/api`
  const login = await fetch(`${url}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: ada.email, password: ada.password }),
  })
  const { user } = (await login.json()) as { user: { id: string; email: string } }
  expect([login.status, user.email]).toEqual([200, ada.email])
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const me = await fetch(`${url}/me`, { headers: { cookie } })
  expect([me.status, await me.json()]).toEqual([200, { sub: user.id }])
  expect((await fetch(`${url}/me`)).status).toBe(401)
}
