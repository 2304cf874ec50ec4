import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'integrations.md'), 'utf8')
const names = readdirSync(__dirname)
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => name.replace(/\.ts$/, ''))
/** Examples that this folder tests too. */
const EXAMPLES = ['bff', 'nestjs', 'socket-io']
const paths = [
  ...names.map((name) => join(__dirname, `${name}.ts`)),
  ...EXAMPLES.map((name) => join(__dirname, '..', '..', 'examples', name, 'app.ts')),
]
const programs = paths.map((path) => normalized(readFileSync(path, 'utf8')))
const blocks = Array.from(page.matchAll(/^```ts\n([^]*?)^```$/gm), ([, code = '']) => code)

function normalized(code: string): string {
  return code.replace(/\s+/g, ' ').trim()
}

it('every code block of docs/integrations.md is part of a tested program', () => {
  expect(blocks.length).toBeGreaterThanOrEqual(programs.length)
  expect(page.match(/^```\w+$/gm)).toHaveLength(blocks.length)
  expect(blocks.filter((block) => !programs.some((program) => program.includes(normalized(block))))).toEqual([])
})

it('every program has a test and is shown in docs/integrations.md', () => {
  const tests = readdirSync(__dirname).filter((name) => name.endsWith('.test.ts'))
  const tested = new Set([...names, ...EXAMPLES, 'docs'])
  expect(tests.sort()).toEqual(Array.from(tested, (name) => `${name}.test.ts`).sort())
  const hidden = programs.filter((program) => !blocks.some((block) => program.includes(normalized(block))))
  expect(hidden).toEqual([])
})
