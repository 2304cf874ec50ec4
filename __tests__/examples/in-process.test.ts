/** One file for all examples that Jest can load, because loading the packages is slower than the tests. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import './account.ts'
import './bff.ts'
import './forms.ts'
import './local-users.ts'
import './migration.ts'
import './minimal.ts'
import './nestjs.ts'
import './socket-io.ts'
import './two-tenants.ts'

it('every example has tests, here or in its own file', () => {
  const names = readdirSync(join(__dirname, '..', '..', 'examples'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'demo')
    .map(({ name }) => name)
  const own = readFileSync(__filename, 'utf8')
  const isTested = (name: string) =>
    existsSync(join(__dirname, `${name}.test.ts`)) || own.includes(`import './${name}.ts'`)
  expect(names.length).toBeGreaterThanOrEqual(12)
  expect(names.filter((name) => !isTested(name))).toEqual([])
})
