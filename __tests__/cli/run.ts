import { join } from 'node:path'
import { runCommand } from '../../lib/cli/command.ts'
import type { Finding } from '../../lib/cli/doctor/finding.ts'
import type { Terminal } from '../../lib/cli/terminal.ts'
import type { Seams } from '../../lib/index.ts'

export const ROOT = join(__dirname, '..', '..')

export interface Ran {
  code: number
  out: string
  err: string
}

/** Runs a command in this process with its own environment and terminal. */
export async function run(args: string[], terminal: Partial<Terminal> = {}, seams: Seams = {}): Promise<Ran> {
  const written = { out: '', err: '' }
  const code = await runCommand(
    args,
    {
      ...{ env: {}, folder: ROOT, isTty: false, stopped: () => Promise.resolve() },
      ...{ out: (text) => (written.out += text), err: (text) => (written.err += text) },
      ...terminal,
    },
    seams,
  )
  return { code, ...written }
}

export interface Report {
  ok: boolean
  findings: Finding[]
}
