import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Router } from 'express'
import ts from 'typescript'
import { type AuthErrorCode, ERRORS } from '../lib/errors.ts'
import { EVENT_LEVELS } from '../lib/events.ts'
import * as entry from '../lib/index.ts'
import { VARIABLES } from '../lib/options/environment.ts'
import { membersAt } from '../lib/options/members.ts'
import { optionsSchema } from '../lib/options/schema.ts'
import { secret } from './support/app.ts'
import { compileProgram } from './support/compile-program.ts'
import {
  anchors,
  type Block,
  codes,
  compile,
  links,
  type Page,
  readPage,
  section,
  tableRows,
  titled,
} from './support/markdown.ts'

const ROOT = join(__dirname, '..')
const pages = readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => readPage(`docs/${name}`))
const readme = readPage('README.md')
const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] }

/** Pages whose code comes from larger programs and is covered by another test. */
const PARTS_OF_PROGRAMS = ['docs/integrations.md']

/** Members and headers of error responses, other than `error` and `message`. */
const MEMBERS: Partial<Record<AuthErrorCode, string[]>> = {
  mfa_pending: ['Retry-After'],
  invalid_request: ['fields'],
  login_transaction_missing: ['login_url'],
  weak_password: ['policy', 'rules'],
  insufficient_scope: ['scope'],
  mfa_required: ['mfa', 'login_url'],
  interaction_required: ['login_url'],
  account_blocked: ['recovery_url'],
  password_leaked: ['recovery_url'],
  password_change_required: ['recovery_url'],
  access_denied: ['reason'],
  method_not_allowed: ['Allow'],
  too_many_attempts: ['recovery_url', 'Retry-After'],
  rate_limited: ['Retry-After', 'RateLimit', 'RateLimit-Policy'],
  auth_unavailable: ['Retry-After'],
  session_unavailable: ['Retry-After'],
}

const pageNamed = (name: string): Page => {
  const found = pages.find(({ path }) => path === `docs/${name}.md`)
  if (!found) throw new Error(`there is no docs/${name}.md`)
  return found
}
const blocksIn = (language: string, of = pages) =>
  of.flatMap(({ blocks }) => blocks.filter((block) => block.language === language))

/** The source of the package without lib/testing. */
const product = ts.sys
  .readDirectory(join(ROOT, 'lib'), ['.ts'])
  .filter((path) => !path.includes(join('lib', 'testing')))
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n')

/** Type of a Jest configuration. */
const DECLARATION = "export const config: import('jest').Config ="

describe('the code in docs', () => {
  it('uses only known languages', () => {
    const languages = new Set(pages.flatMap(({ blocks }) => blocks.map(({ language }) => language)))
    expect(
      [...languages].filter(
        (name) => !['ts', 'js', 'html', 'json', 'sh', 'dotenv', 'nginx', 'text', 'yaml'].includes(name),
      ),
    ).toEqual([])
  })

  describe('in TypeScript or JavaScript', () => {
    const typed = blocksIn(
      'ts',
      pages.filter(({ path }) => !PARTS_OF_PROGRAMS.includes(path)),
    )
    // matrix/runners.ts runs jest with each configuration.
    const scripts = blocksIn('js').map((block) => {
      return { ...block, code: block.code.replace(/^(?:export default|module\.exports =)/m, DECLARATION) }
    })
    // Together: most of the time goes to reading the declarations of packages.
    const all = [...typed, ...scripts, ...blocksIn('js', [readme])]
    let problems: Map<Block, string[]>

    beforeAll(() => {
      problems = compile(all)
    }, 120_000)

    it.each(titled(all))('compiles: %s', (_title, block) => {
      expect(problems.get(block)).toEqual([])
    })

    it('has four configurations of jest', () => {
      expect(scripts.filter(({ code }) => code.includes(DECLARATION))).toHaveLength(4)
    })

    it('is JavaScript where it is saved as .mjs', () => {
      const saved = pages.flatMap(({ blocks, text }) => {
        const lines = text.split('\n')
        return blocks.filter(({ line }) => /`\w+\.mjs`.*:$/.test(lines[line - 3] ?? ''))
      })
      expect(saved.map(({ page, language }) => [page, language])).toEqual([
        ['docs/getting-started.md', 'js'],
        ['docs/observability.md', 'js'],
      ])
    })
  })

  it.each(titled(blocksIn('json')))('is JSON with content: %s', (_title, { code }) => {
    expect(Object.keys(JSON.parse(code) as object)).not.toEqual([])
  })

  it.each([
    ['authorization', 'step-up'],
    ['hooks', 'local-users'],
    ['migration', 'migration'],
  ])('of docs/%s.md contains all of examples/%s', (page, program) => {
    const shown = pageNamed(page).blocks.map(({ code }) => code)
    expect(shown).toContain(readFileSync(join(ROOT, 'examples', program, 'app.ts'), 'utf8'))
  })

  it('of docs/testing.md runs successfully', async () => {
    const programs = blocksIn('ts', [pageNamed('testing')]).filter(({ code }) =>
      code.includes('await emulator.close()'),
    )
    expect(programs).toHaveLength(3)
    // Inside the repository, so that the package resolves by name, and in a folder that git ignores.
    await mkdir(join(ROOT, 'coverage'), { recursive: true })
    const folder = await mkdtemp(join(ROOT, 'coverage', 'docs-'))
    try {
      await Promise.all(programs.map(({ code, line }) => passes(join(folder, `line-${line}.ts`), code)))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

async function passes(path: string, code: string): Promise<void> {
  await writeFile(path, code)
  const program = await compileProgram(path)
  const run = promisify(execFile)(process.execPath, [program.path], {
    ...{ cwd: ROOT, timeout: 30_000, env: { PATH: process.env.PATH } },
  })
  // Rejects if the exit code is not 0.
  expect(await run).toEqual({ stdout: '', stderr: '' })
  await program.remove()
}

describe('docs/options.md', () => {
  const rows = tableRows(pageNamed('options').text)

  it('lists exactly the existing options', () => {
    const listed = rows.flatMap(([option = '']) => codes(option))
    expect([...listed].sort()).toEqual(optionPaths().sort())
  })

  it('lists exactly the supported environment variables, with their options', () => {
    const listed = rows.flatMap(([option = '', variable = '']) =>
      /^`[A-Z0-9_]+`$/.test(variable) ? [[codes(option)[0], codes(variable)[0]]] : [],
    )
    expect(Object.fromEntries(listed)).toEqual(VARIABLES)
    expect(listed).toHaveLength(Object.keys(VARIABLES).length)
  })
})

describe('docs/routes-and-errors.md', () => {
  const page = pageNamed('routes-and-errors')
  const codesIn = (heading: string) =>
    tableRows(section(page, heading)).map(([code = '', status]) => [codes(code)[0], Number(status)])

  it('lists exactly the existing error codes, with their statuses', () => {
    const all = codesIn('Errors')
    expect(all.sort()).toEqual(
      Object.entries(ERRORS)
        .map(([code, [status]]) => [code, status])
        .sort(),
    )
    expect(page.text).not.toMatch(/reserved/i)
  })

  it.each(Object.entries(MEMBERS))('lists the other members of the response to %s', (code, members) => {
    const row = tableRows(section(page, 'Errors')).find(([first = '']) => codes(first)[0] === code)
    const listed = codes(row?.[3] ?? '')
    expect(members.filter((member) => !listed.includes(member))).toEqual([])
  })

  it('lists exactly the exported error classes', () => {
    const listed = tableRows(section(page, 'Errors in code')).map(([name = '']) => codes(name)[0])
    const exported = Object.keys(entry).filter((name) => name.endsWith('Error'))
    expect(listed.sort()).toEqual(exported.sort())
  })

  it('lists exactly the routes of the router', async () => {
    const auth = entry.createRopgAuth({
      ...{ domain: 'tenant.example.com', clientId: 'id', clientSecret: 'secret', session: { secret }, logger: false },
      ...{ mfa: 'api', interactive: { baseUrl: 'https://app.example.com' } },
      ...{ signup: true, passwordReset: true, backchannelLogout: true },
    })
    const listed = tableRows(section(page, 'Routes')).flatMap(([route = '']) => codes(route))
    expect(listed.filter((route) => route.includes(' /')).sort()).toEqual(routesOf(auth.router).sort())
    await auth.close()
  })
})

/** Every method and path of a router. */
function routesOf(router: Router): string[] {
  const { stack } = router as unknown as { stack: { route?: { path: string; stack: { method?: string }[] } }[] }
  const found = stack.flatMap(({ route }) =>
    (route?.stack ?? []).flatMap(({ method }) => (method ? [`${method.toUpperCase()} ${route?.path ?? ''}`] : [])),
  )
  return [...new Set(found)]
}

describe('docs/observability.md', () => {
  const page = pageNamed('observability')

  it('lists exactly the existing events, with their levels', () => {
    const rows = tableRows(section(page, 'Events')).filter(([, level = '']) => /^(info|warn|error)$/.test(level))
    expect(Object.fromEntries(rows.map(([name = '', level]) => [codes(name)[0], level]))).toEqual(EVENT_LEVELS)
  })

  it('lists exactly the members of events', () => {
    const source = readFileSync(join(ROOT, 'lib', 'events.ts'), 'utf8')
    const [, body = ''] = /^export interface AuthEvent \{\n([^]*?)^\}/m.exec(source) ?? []
    const members = Array.from(body.matchAll(/^ {2}(\w+)\??:/gm), ([, member = '']) => member)
    const tables = tableRows(section(page, 'Events'))
    const explained = tables.filter((row) => row.length === 2).flatMap(([member = '']) => codes(member))
    const ofEvents = tables.filter((row) => row.length === 4).flatMap((row) => codes(row[3] ?? ''))
    const common = ['name', 'time']
    expect([...common, ...explained].sort()).toEqual([...members].sort())
    expect(ofEvents.filter((member) => !members.includes(member))).toEqual([])
    expect(members.filter((member) => ![...common, ...ofEvents].includes(member))).toEqual([])
  })

  it('lists exactly the causes of hints', () => {
    const given = Array.from(product.matchAll(/\bhint\((['`])([^]*?)\1,/g), ([, , cause = '']) =>
      cause.replace(/\$\{(\w+)\}/g, '<$1>'),
    )
    const listed = tableRows(section(page, 'Hints')).map(([cause = '']) => codes(cause)[0])
    expect(listed.sort()).toEqual([...new Set(given)].sort())
  })
})

describe('docs/security.md', () => {
  const rows = tableRows(section(pageNamed('security'), 'Defenses and their tests'))

  it('names at least one existing test for each defense', () => {
    const named = rows.map(([, , tests = '']) => codes(tests))
    expect(named.filter(({ length }) => length === 0)).toEqual([])
    expect(named.flat().filter((path) => !existsSync(join(__dirname, path)))).toEqual([])
  })

  it('names ASVS requirements for each defense', () => {
    expect(rows.length).toBeGreaterThan(20)
    expect(rows.filter(([, , , numbers = '']) => !/^\d+\.\d+\.\d+(, \d+\.\d+\.\d+)*$/.test(numbers))).toEqual([])
  })
})

describe('docs/typescript.md', () => {
  it('names only types that are exported', () => {
    const named = tableRows(section(pageNamed('typescript'), 'Types to name')).flatMap(([name = '']) => codes(name))
    const source = readFileSync(join(ROOT, 'lib', 'index.ts'), 'utf8')
    const exported = Array.from(source.matchAll(/export type \{([^}]*)\}/g), ([, names = '']) => names.split(/[\s,]+/))
    expect(named.filter((name) => !exported.flat().includes(name))).toEqual([])
  })
})

describe('links', () => {
  const linking = [
    readme,
    ...['CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'examples/README.md'].map(readPage),
    ...pages,
  ]

  it.each(linking.map((page) => [page.path, page] as const))('in %s lead to files in the package', (_path, page) => {
    const own = links(page).filter((target) => !/^https?:/.test(target))
    expect(own.filter((target) => !leadsSomewhere(page, target))).toEqual([])
  })

  const forUsers = linking.filter(({ path }) => path !== 'CONTRIBUTING.md')
  it.each(forUsers.map((page) => [page.path, page] as const))(
    'and texts of %s name no test file',
    (_path, { text }) => {
      expect(text).not.toContain('__tests__')
    },
  )

  it('of README.md lead to every page of docs', () => {
    expect(pages.map(({ path }) => path).filter((path) => !links(readme).includes(path))).toEqual([])
  })
})

function leadsSomewhere(page: Page, target: string): boolean {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page.path : posix.join(posix.dirname(page.path), path)
  if (!existsSync(join(ROOT, file)) || !isPacked(file)) return false
  return anchor === undefined || anchors(readPage(file)).includes(anchor)
}

const isPacked = (file: string) => files.some((entry) => file === entry || file.startsWith(`${entry}/`))

/** Options without suboptions, such as `session.cookie.name`. A rate limit counts as one option. */
function optionPaths(path: string[] = []): string[] {
  const isLimit = path[0] === 'rateLimit' && path.length === 2
  const members = isLimit ? [] : membersAt(optionsSchema, path)
  return members.length > 0 ? members.flatMap((name) => optionPaths([...path, name])) : [path.join('.')]
}
