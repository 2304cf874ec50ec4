import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from '@jest/globals'
import ts from 'typescript'
import { ERRORS } from '../lib/errors.ts'
import { EVENT_LEVELS } from '../lib/events.ts'
import * as entry from '../lib/index.ts'
import { VARIABLES } from '../lib/options/environment.ts'
import { optionsSchema } from '../lib/options/schema.ts'
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

/** Pages whose code is part of larger programs, to which a test of their own compares it. */
const PARTS_OF_PROGRAMS = ['docs/integrations.md']

const pageNamed = (name: string): Page => {
  const found = pages.find(({ path }) => path === `docs/${name}.md`)
  if (!found) throw new Error(`there is no docs/${name}.md`)
  return found
}
const blocksIn = (language: string, of = pages) =>
  of.flatMap(({ blocks }) => blocks.filter((block) => block.language === language))

/** The code of the product, without what is only for tests. */
const product = ts.sys
  .readDirectory(join(ROOT, 'lib'), ['.ts'])
  .filter((path) => !path.includes(join('lib', 'testing')))
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n')

describe('the code in docs', () => {
  it('is in languages that are tested here, or that are settings of other programs', () => {
    const languages = new Set(pages.flatMap(({ blocks }) => blocks.map(({ language }) => language)))
    expect([...languages].filter((name) => !['ts', 'json', 'sh', 'dotenv', 'nginx'].includes(name))).toEqual([])
  })

  describe('in TypeScript', () => {
    const typed = blocksIn(
      'ts',
      pages.filter(({ path }) => !PARTS_OF_PROGRAMS.includes(path)),
    )
    let problems: Map<Block, string[]>

    beforeAll(() => {
      problems = compile(typed)
    }, 120_000)

    it.each(titled(typed))('compiles: %s', (_title, block) => {
      expect(problems.get(block)).toEqual([])
    })
  })

  it.each(titled(blocksIn('json')))('is valid JSON: %s', (_title, { code }) => {
    expect(() => JSON.parse(code) as unknown).not.toThrow()
  })

  it.each([
    ['authorization', 'step-up'],
    ['hooks', 'local-users'],
  ])('of docs/%s.md has the whole of examples/%s.ts, which has a test', (page, program) => {
    const shown = pageNamed(page).blocks.map(({ code }) => code)
    expect(shown).toContain(readFileSync(join(ROOT, 'examples', `${program}.ts`), 'utf8'))
    expect(existsSync(join(__dirname, 'examples', `${program}.test.ts`))).toBe(true)
  })

  it('of docs/testing.md passes as a test of its own', async () => {
    const [block] = blocksIn('ts', [pageNamed('testing')])
    // Within the repository, so that the package is found under its own name, and where git does not look.
    await mkdir(join(ROOT, 'coverage'), { recursive: true })
    const folder = await mkdtemp(join(ROOT, 'coverage', 'docs-'))
    try {
      const path = join(folder, 'test-your-app.ts')
      await writeFile(path, block?.code ?? '')
      const run = promisify(execFile)(process.execPath, ['--import', 'tsx', path], {
        ...{ cwd: ROOT, timeout: 30_000, env: { PATH: process.env.PATH } },
      })
      // Rejects for any other exit code than 0.
      expect(await run).toEqual({ stdout: '', stderr: '' })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('docs/options.md', () => {
  const rows = tableRows(pageNamed('options').text)

  it('lists every option, and no other', () => {
    const listed = rows.flatMap(([option = '']) => codes(option))
    expect([...listed].sort()).toEqual(optionPaths(optionsSchema).sort())
  })

  it('lists every environment variable with its option, and no other', () => {
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

  it('lists every error code with its status, and no other', () => {
    expect(codesIn('Errors').sort()).toEqual(
      Object.entries(ERRORS)
        .map(([code, [status]]) => [code, status])
        .sort(),
    )
  })

  it('lists every class of errors, and no other', () => {
    const listed = tableRows(section(page, 'Errors in code')).map(([name = '']) => codes(name)[0])
    const exported = Object.keys(entry).filter((name) => name.endsWith('Error'))
    expect(listed.sort()).toEqual(exported.sort())
  })

  it('lists every route of the router, and no other', () => {
    const source = readFileSync(join(ROOT, 'lib', 'http', 'router.ts'), 'utf8')
    const methodsIn = (chain: string) => Array.from(chain.matchAll(/\.(get|post|delete)\(/g), ([, name = '']) => name)
    const routes = Array.from(
      source.matchAll(/\.route\('([^']+)'\)([^]*?)(?=\.route\(|\n\})/g),
      ([, path, chain = '']) => methodsIn(chain).map((method) => `${method.toUpperCase()} ${path}`),
    ).flat()
    const added = Array.from(source.matchAll(/\badd\('([^']+)'/g), ([, path]) => `POST ${path}`)
    // Interactive login stands apart, because the route goes on to the app without it.
    const mounted = [...new Set([...routes, 'GET /login', ...added])]
    const listed = tableRows(section(page, 'Routes')).flatMap(([route = '']) => codes(route))
    expect(listed.filter((route) => route.includes(' /')).sort()).toEqual(mounted.sort())
  })
})

describe('docs/observability.md', () => {
  const page = pageNamed('observability')

  it('lists every event with its level, and no other', () => {
    const rows = tableRows(section(page, 'Events')).filter(([, level = '']) => /^(info|warn|error)$/.test(level))
    expect(Object.fromEntries(rows.map(([name = '', level]) => [codes(name)[0], level]))).toEqual(EVENT_LEVELS)
  })

  it('lists the cause of every hint, and no other', () => {
    const given = Array.from(product.matchAll(/\bhint\((['`])([^]*?)\1,/g), ([, , cause = '']) =>
      cause.replace('${origin}', '<origin>'),
    )
    const listed = tableRows(section(page, 'Hints')).map(([cause = '']) => codes(cause)[0])
    expect(listed.sort()).toEqual([...new Set(given)].sort())
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
  const linking = [readme, readPage('CHANGELOG.md'), ...pages]

  it.each(linking.map((page) => [page.path, page] as const))('of %s lead somewhere', (_path, page) => {
    const own = links(page).filter((target) => !/^https?:/.test(target))
    expect(own.filter((target) => !leadsSomewhere(page, target))).toEqual([])
  })

  it('of README.md lead to every page of docs', () => {
    expect(pages.map(({ path }) => path).filter((path) => !links(readme).includes(path))).toEqual([])
  })
})

function leadsSomewhere(page: Page, target: string): boolean {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page.path : posix.join(posix.dirname(page.path), path)
  if (!existsSync(join(ROOT, file))) return false
  return anchor === undefined || anchors(readPage(file)).includes(anchor)
}

interface Node {
  shape?: Record<string, unknown>
  unwrap?: () => unknown
  options?: readonly unknown[]
}

function shapeOf(node: unknown): Node['shape'] {
  const { shape, unwrap, options } = Object(node) as Node
  if (unwrap) return shapeOf(unwrap.call(node))
  return shape ?? options?.map(shapeOf).find(Boolean)
}

/** Options that hold no options, such as `session.cookie.name`. A limit counts as one option. */
function optionPaths(node: unknown, path: string[] = []): string[] {
  const members = path[0] === 'rateLimit' && path.length === 2 ? undefined : shapeOf(node)
  if (!members) return [path.join('.')]
  return Object.entries(members).flatMap(([name, member]) => optionPaths(member, [...path, name]))
}
