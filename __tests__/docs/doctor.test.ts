import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { DOCTOR_HELP } from '../../lib/cli/doctor-command.ts'
import { EMULATOR_HELP } from '../../lib/cli/emulator-command.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { run } from '../cli/run.ts'
import { codes, readPage, section, tableRows } from '../support/markdown.ts'
import { testRedisUrl } from '../support/redis.ts'

const page = readPage('docs/doctor.md')
let emulator: Auth0Emulator

beforeAll(async () => {
  emulator = await startAuth0Emulator()
})
afterAll(() => emulator.close())

/** Differs between runs. */
const steady = (output: string) =>
  output
    .replace(/(Node\.js|Express) +[\d.]+/g, '$1 VERSION')
    .replace(/(Redis|Valkey) [\d.]+/g, 'Redis VERSION')
    .replace(/[\d.]+ ms,/g, 'TIME,')
    .replace(/https?:\/\/[\w.:-]+ answers/, 'DOMAIN answers')

it('docs/doctor.md shows what the doctor prints', async () => {
  emulator.tenant.grantTypes = emulator.tenant.grantTypes.filter((grant) => grant !== 'refresh_token')
  const { out, code } = await run(['doctor'], {
    env: {
      AUTH0_DOMAIN: emulator.domain,
      AUTH0_CLIENT_ID: emulator.clientId,
      AUTH0_CLIENT_SECRET: emulator.clientSecret,
      SESSION_SECRET: 'kJ8zqT0vR2xY7bN4mC6wL1pD9sF3hG5aE0uI2oQ8',
      REDIS_URL: testRedisUrl(),
      NODE_ENV: 'production',
    },
  })
  const shown = page.blocks.find(({ language }) => language === 'text')?.code ?? ''
  expect(steady(out)).toBe(steady(shown))
  expect(code).toBe(1)
})

it.each([
  ['docs/doctor.md', 'Options', DOCTOR_HELP],
  ['docs/testing.md', 'The emulator as a command', EMULATOR_HELP],
])('%s lists exactly the flags of the command', (path, heading, help) => {
  const listed = tableRows(section(readPage(path), heading)).flatMap(([flag = '']) => codes(flag))
  const flags = Array.from(help.matchAll(/^ {2}(--\S+(?: <\S+>)?)/gm), ([, flag]) => flag)
  expect(listed).toEqual(flags)
})
