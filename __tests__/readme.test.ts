import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import ts from 'typescript'
import { ERRORS } from '../lib/errors.ts'
import { EVENT_LEVELS } from '../lib/events.ts'
import * as entry from '../lib/index.ts'
import { optionsSchema } from '../lib/options/schema.ts'
import { startAuth0Emulator } from '../lib/testing/index.ts'
import { ada, secret } from './support/app.ts'
import { startRedis } from './support/redis-server.ts'

interface Block {
  language: string
  code: string
  /** The heading it stands under. */
  heading: string
  line: number
}

const ROOT = join(__dirname, '..')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
const blocks = blocksOf(readme)
const [first] = blocks
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

function blocksOf(markdown: string): Block[] {
  const found: Block[] = []
  let heading = ''
  let open: Block | undefined
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^```(\w*)$/.exec(line)
    if (open && fence) {
      found.push(open)
      open = undefined
    } else if (open) open.code += `${line}\n`
    else if (fence) open = { language: fence[1] ?? '', code: '', heading, line: index + 1 }
    else heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading
  }
  if (open) throw new Error(`the code block of line ${open.line} does not end`)
  return found
}

/** What stands between a heading and the next one of its rank. */
function section(heading: string): string {
  const from = readme.indexOf(`\n## ${heading}\n`)
  if (from === -1) throw new Error(`README.md has no section ${heading}`)
  const to = readme.indexOf('\n## ', from + 1)
  return readme.slice(from, to === -1 ? undefined : to)
}

/** The cells of a section's table, without its head. */
function tableOf(heading: string): string[][] {
  const rows = section(heading)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  return rows.slice(2)
}

const codes = (text: string) => Array.from(text.matchAll(/`([^`]+)`/g), ([, code = '']) => code)
const named = (block: Block) => `the block of ${block.heading}, line ${block.line}`

describe('the code in README.md', () => {
  it('is of a kind that is tested here', () => {
    expect([...new Set(blocks.map(({ language }) => language))].sort()).toEqual(['sh', 'ts'])
  })

  describe('in TypeScript', () => {
    const typed = blocks.filter(({ language }) => language === 'ts')
    let problems: Map<string, string[]>

    beforeAll(() => {
      problems = typeCheck(typed)
    }, 60_000)

    it.each(typed.map((block) => [named(block), block] as const))('compiles: %s', (_name, block) => {
      expect(problems.get(fileOf(block))).toEqual([])
    })
  })

  it.each(blocks.filter(({ language }) => language === 'sh').map((block) => [named(block), block] as const))(
    'calls npm scripts that exist: %s',
    (_name, { code }) => {
      const scripts = Array.from(code.matchAll(/npm (?:run )?([\w:-]+)/g), ([, name = '']) => name)
      const own = scripts.filter((name) => !['ci', 'install'].includes(name))
      expect(own.filter((name) => manifest.scripts[name] === undefined)).toEqual([])
      expect(scripts).not.toEqual([])
    },
  )

  describe('when it runs', () => {
    let folder: string

    beforeAll(async () => {
      // Within the repository, so that the package is found under its own name, and where git does not look.
      await mkdir(join(ROOT, 'coverage'), { recursive: true })
      folder = await mkdtemp(join(ROOT, 'coverage', 'readme-'))
    })
    afterAll(() => rm(folder, { recursive: true, force: true }))

    async function writeProgram(name: string, code: string): Promise<string[]> {
      const path = join(folder, name)
      await writeFile(path, code)
      return ['--import', 'tsx', path]
    }

    it('logs a user in with at most 15 lines: the first block', async () => {
      const code = first?.code ?? ''
      expect(code.trim().split('\n').length).toBeLessThanOrEqual(15)
      expect(code).toContain('app.listen(3000)')
      const port = code.replace('app.listen(3000)', 'app.listen(0, function () { console.log(this.address().port) })')
      const emulator = await startAuth0Emulator({ users: [ada] })
      const redis = await startRedis()
      const child = spawn(process.execPath, await writeProgram('first.ts', port), {
        cwd: ROOT,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          PATH: process.env.PATH,
          AUTH0_DOMAIN: emulator.domain,
          AUTH0_CLIENT_ID: emulator.clientId,
          AUTH0_CLIENT_SECRET: emulator.clientSecret,
          SESSION_SECRET: secret,
          REDIS_URL: redis.url,
        },
      })
      const exited = once(child, 'exit')
      try {
        const lines = createInterface({ input: child.stdout })
        const [line] = (await Promise.race([once(lines, 'line'), exited])) as [string]
        const url = `http://127.0.0.1:${line}/api`
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
      } finally {
        child.kill()
        await exited
        await emulator.close()
        await redis.stop()
      }
    })

    it('passes as a test of its own: the block of Test your app', async () => {
      const block = blocks.find(({ heading, language }) => heading === 'Test your app' && language === 'ts')
      const program = await writeProgram('test-your-app.ts', block?.code ?? 'process.exit(1)')
      const run = promisify(execFile)(process.execPath, program, {
        cwd: ROOT,
        timeout: 15_000,
        env: { PATH: process.env.PATH },
      })
      // Rejects for any other exit code than 0.
      expect(await run).toEqual({ stdout: '', stderr: '' })
    })
  })
})

describe('README.md', () => {
  it('lists every option, and no other', () => {
    const listed = tableOf('Options').flatMap(([option = '']) => codes(option))
    const { session, ...others } = optionsSchema.shape
    const ofSession = Object.keys(session.unwrap().shape).map((key) => `session.${key}`)
    expect([...listed].sort()).toEqual([...Object.keys(others), ...ofSession].sort())
    expect(new Set(listed).size).toBe(listed.length)
  })

  it('lists the environment variables that are read, and no other', () => {
    const source = readFileSync(join(ROOT, 'lib', 'options', 'environment.ts'), 'utf8')
    const read = new Set(Array.from(source.matchAll(/\benv\.([A-Z][A-Z0-9_]+)/g), ([, name]) => name))
    read.delete('NODE_ENV')
    const listed = tableOf('Options').flatMap(([, variable = '']) => codes(variable))
    expect(listed.sort()).toEqual([...read].sort())
  })

  it('lists every error code with its status, or as one of the future', () => {
    const table = tableOf('Errors').map(([code = '', status]) => [codes(code)[0], Number(status)])
    const reserved = codes(/Reserved for [^:]*:([^]*?)\n\n/.exec(section('Errors'))?.[1] ?? '')
    const known = Object.entries(ERRORS).map(([code, [status]]) => [code, status])
    expect(table.sort()).toEqual(known.filter(([code]) => !reserved.includes(String(code))).sort())
    expect(reserved.filter((code) => !(code in ERRORS))).toEqual([])
  })

  it('reserves no error code that the code uses already', () => {
    const reserved = codes(/Reserved for [^:]*:([^]*?)\n\n/.exec(section('Errors'))?.[1] ?? '')
    const used = ts.sys
      .readDirectory(join(ROOT, 'lib'), ['.ts'])
      .filter((path) => !path.includes(join('lib', 'testing')))
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n')
    expect(reserved.filter((code) => new RegExp(`new \\w*Error\\('${code}'`).test(used))).toEqual([])
  })

  it('names every event, and no other', () => {
    const [list = ''] = section('Events').split('. ')
    const names = codes(list).filter((name) => !['onEvent', 'logger'].includes(name))
    expect(names.sort()).toEqual(Object.keys(EVENT_LEVELS).sort())
  })

  it('names every error class, and no other', () => {
    const listed = codes(section('Errors')).filter((name) => /^[A-Z]\w+Error$/.test(name))
    const exported = Object.keys(entry).filter((name) => name.endsWith('Error'))
    expect([...new Set(listed)].sort()).toEqual(exported.sort())
  })

  it('links to places that exist', () => {
    const targets = Array.from(readme.matchAll(/\]\(([^)]+)\)/g), ([, target = '']) => target)
    const anchors = Array.from(
      readme.matchAll(/^#+ (.*)$/gm),
      ([, heading = '']) => `#${heading.toLowerCase().replaceAll(' ', '-')}`,
    )
    const broken = targets.filter((target) => {
      if (/^https?:/.test(target)) return false
      return target.startsWith('#') ? !anchors.includes(target) : !existsSync(join(ROOT, target))
    })
    expect(broken).toEqual([])
  })
})

const fileOf = ({ line }: Block) => join(ROOT, `readme-line-${line}.ts`)

/** The complaints of the compiler about each block, under the settings of this repository, which are the strictest. */
function typeCheck(typed: Block[]): Map<string, string[]> {
  const config = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path))
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, ROOT)
  const texts = new Map(typed.map((block) => [fileOf(block), block.code]))
  const host = ts.createCompilerHost(options)
  const onDisk = { ...host }
  host.fileExists = (path) => texts.has(path) || onDisk.fileExists(path)
  host.readFile = (path) => texts.get(path) ?? onDisk.readFile(path)
  host.getSourceFile = (path, version, ...rest) => {
    const text = texts.get(path)
    return text === undefined ? onDisk.getSourceFile(path, version, ...rest) : ts.createSourceFile(path, text, version)
  }
  const program = ts.createProgram([...texts.keys()], options, host)
  return new Map(
    [...texts.keys()].map((path) => {
      const file = program.getSourceFile(path)
      const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
      return [path, found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))]
    }),
  )
}
