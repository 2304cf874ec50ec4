import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createCompiler } from './compile.ts'

const ROOT = join(__dirname, '..', '..')
const CONSUMERS = join(__dirname, 'consumers')
const ESLINT = join(ROOT, 'node_modules', 'eslint', 'bin', 'eslint.js')

const ESLINT_CONFIG = `
import tseslint from 'typescript-eslint'
export default tseslint.config({
  files: ['**/*.mts'],
  extends: [tseslint.configs.strictTypeChecked],
  languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
})
`

/** A folder with the consumers and this package in node_modules, as npm would install it. */
const site = mkdtempSync(join(realpathSync(tmpdir()), 'express-auth0-ropg-consumers-'))

/** The errors that a tool prints. */
async function run(...args: string[]): Promise<string> {
  return promisify(execFile)(process.execPath, args, { cwd: site }).then(
    ({ stdout, stderr }) => stdout + stderr,
    (err: unknown) => {
      const { stdout = '', stderr = '', message } = err as { stdout?: string; stderr?: string; message: string }
      return stdout + stderr || message
    },
  )
}

const compiler = createCompiler()

beforeAll(() => {
  const modules = join(site, 'node_modules')
  const own = join(modules, 'express-auth0-ropg')
  mkdirSync(own, { recursive: true })
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  cpSync(join(ROOT, 'package.json'), join(own, 'package.json'))
  cpSync(CONSUMERS, join(site, 'consumers'), { recursive: true })
  writeFileSync(join(site, 'eslint.config.mjs'), ESLINT_CONFIG)
  expect(compiler.declare(join(ROOT, 'tsconfig.build.json'), join(own, 'dist'))).toBe('')
}, 120_000)

afterAll(() => {
  rmSync(site, { recursive: true, force: true })
})

describe('the published declarations', () => {
  const projects = readdirSync(CONSUMERS, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\/tsconfig.*\.json$/.test(path))
    .sort()

  test.each(projects)(
    'compile in %s',
    (project) => {
      expect(compiler.problemsOf(join(site, 'consumers', project))).toBe('')
    },
    120_000,
  )

  test('pass strictTypeChecked of typescript-eslint where members are passed around', async () => {
    expect(await run(ESLINT, '--max-warnings', '0', 'consumers/alone/passed-around.mts')).toBe('')
  }, 120_000)
})
