/** Measures this package with many sessions, processes, and requests, and writes SCALE.md. */
import { writeFile } from 'node:fs/promises'
import { describeMachine } from './harness/machine.ts'
import { counted } from './harness/markdown.ts'
import { startWorld } from './harness/world.ts'
import { type Part, readScaleFlags, type ScaleContext } from './scale/context.ts'
import { manyStored } from './scale/many-stored.ts'
import { ofOneUser } from './scale/of-one-user.ts'
import { processMemory } from './scale/process-memory.ts'
import { severalProcesses } from './scale/processes.ts'
import { storedBytes } from './scale/stored-bytes.ts'

const PARTS: Record<string, (context: ScaleContext) => Promise<Part>> = {
  stored: manyStored,
  user: ofOneUser,
  processes: severalProcesses,
  bytes: storedBytes,
  memory: processMemory,
}

const flags = readScaleFlags()
const unknown = flags.only.filter((name) => !Object.hasOwn(PARTS, name))
if (unknown.length)
  throw new Error(`--only: there is no ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`)
const world = await startWorld()
const settings = `- ${counted(flags.rounds, 'round')} of ${flags.seconds} s each; the numbers are medians over the rounds.`
const texts = ['# How it scales', [...(await describeMachine(world.redis)), settings].join('\n')]
for (const [name, measurePart] of Object.entries(PARTS)) {
  if (flags.only.length && !flags.only.includes(name)) continue
  process.stderr.write(`${name}\n`)
  const { title, text } = await measurePart({ world, flags })
  texts.push(`## ${title}`, text)
}
await world.close()
const report = `${texts.join('\n\n')}\n`
await writeFile(new URL('SCALE.md', import.meta.url), report)
process.stdout.write(report)
process.exit()
