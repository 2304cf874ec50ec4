import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'

const run = promisify(execFile)
const ROOT = join(__dirname, '..')
const ENTRY_POINTS = ['index.ts', 'testing/index.ts']
let folder: string

/** Compiled once, file by file, as in the published package. Each version imports all of it in its own process. */
beforeAll(async () => {
  // Inside the repository, so that packages resolve, and in a folder that git ignores.
  await mkdir(join(ROOT, 'coverage'), { recursive: true })
  folder = await mkdtemp(join(ROOT, 'coverage', 'node-version-'))
  const entryPoints = [join(ROOT, 'lib', '**', '*.ts')]
  await build({ entryPoints, outbase: join(ROOT, 'lib'), outdir: folder, format: 'esm', platform: 'node' })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Imports an entry point with that version and returns its exports or the error message. */
async function importedUnder(version: string, entry: string): Promise<{ message?: string; names: string[] }> {
  const url = pathToFileURL(join(folder, entry.replace(/ts$/, 'js'))).href
  const program = `
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })
    const { names, message } = await import('${url}').then(
      (loaded) => ({ names: Object.keys(loaded) }),
      ({ message }) => ({ names: [], message }),
    )
    console.log(JSON.stringify({ names, message }))`
  const args = ['--input-type=module', '-e', program]
  const { stdout } = await run(process.execPath, args, { cwd: ROOT })
  return JSON.parse(stdout) as { message?: string; names: string[] }
}

describe.each(ENTRY_POINTS)('importing %s', (entry) => {
  it.each(['20.18.3', '18.20.8', '16.0.0'])('under Node %s says which version is needed', async (version) => {
    expect((await importedUnder(version, entry)).message).toBe(
      `express-auth0-ropg requires Node 20.19 or later, but this is Node ${version}: upgrade Node`,
    )
  })

  it.each(['20.19.0', '22.0.0', '24.1.0'])('works under Node %s', async (version) => {
    const { names, message } = await importedUnder(version, entry)
    expect(message).toBeUndefined()
    expect(names.length).toBeGreaterThan(0)
  })

  it('checks the version before anything else is loaded', () => {
    const [first] = /^.*(?:from|import) '.+'$/m.exec(readFileSync(join(ROOT, 'lib', entry), 'utf8')) ?? []
    expect(first).toMatch(/^import '\.{1,2}\/node-version\.js'$/)
  })
})

it('the version is the one that package.json names', () => {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { engines: { node: string } }
  expect(engines.node).toBe('>=20.19')
})
