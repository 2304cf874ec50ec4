/** Runs an example against a local Auth0 emulator: `npm run example minimal`. Ctrl-C stops both. */
import { readdirSync } from 'node:fs'
import { startExample } from './start-example.ts'
import { users } from './users.ts'

const names = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'demo')
  .map(({ name }) => name)
const [, , name = ''] = process.argv

if (names.includes(name)) {
  await run().catch((err: unknown) => {
    console.error(`The example ${name} cannot start: ${err instanceof Error ? err.message : String(err)}`)
    process.exit(1)
  })
} else {
  console.error(
    `Usage: npm run example <name>\n\n  ${names.join('\n  ')}\n\nexamples/README.md says what each of them shows.`,
  )
  process.exitCode = 1
}

async function run(): Promise<void> {
  const example = await startExample(name)
  // Not `once`, because npm forwards a signal that the terminal has already sent.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop())
  const lines = [
    `  ${name}  ${example.url}`,
    '',
    '  Users',
    ...users.map(({ email, password }) => `    ${email.padEnd(22)}${password}`),
    '',
    `  examples/README.md has commands to try. Ctrl-C to stop.`,
  ]
  console.log(`\n${lines.join('\n')}\n`)

  let stopping: Promise<void> | undefined
  function stop(): Promise<void> {
    stopping ??= example.stop().finally(() => process.exit())
    return stopping
  }
}
