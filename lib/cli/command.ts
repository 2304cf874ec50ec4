import type { Seams } from '../options/options.js'
import { DOCTOR_HELP, doctorCommand } from './doctor-command.js'
import { EMULATOR_HELP, emulatorCommand } from './emulator-command.js'
import { UsageError, type Terminal } from './terminal.js'

const HELP = `express-auth0-ropg <command> [options]

  doctor      checks the options, the Auth0 tenant, Redis and production settings
  emulator    runs an Auth0 emulator on this machine

Run express-auth0-ropg <command> --help for the options of a command.
`

interface Command {
  help: string
  run: (args: string[], terminal: Terminal, seams?: Seams) => Promise<number>
}

const COMMANDS = new Map<string, Command>([
  ['doctor', { help: DOCTOR_HELP, run: doctorCommand }],
  ['emulator', { help: EMULATOR_HELP, run: emulatorCommand }],
])

/** Runs one command and resolves to the exit code: 0 success, 1 failure, 2 incorrect usage. */
export async function runCommand(args: string[], terminal: Terminal, seams?: Seams): Promise<number> {
  const [name = '', ...rest] = args
  const command = COMMANDS.get(name)
  if (isHelp(command ? rest : args)) {
    terminal.out(command?.help ?? HELP)
    return 0
  }
  if (!command) {
    terminal.err(HELP)
    return 2
  }
  try {
    return await command.run(rest, terminal, seams)
  } catch (err) {
    return failed(err, name, terminal)
  }
}

const isHelp = (args: readonly string[]) => args.includes('--help') || args.includes('-h')

function failed(err: unknown, name: string, { err: print }: Terminal): number {
  const { code, message } = err as { code?: string; message: string }
  const isUsage = err instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS') === true
  print(`${message}\n${isUsage ? `\nSee express-auth0-ropg ${name} --help\n` : ''}`)
  return isUsage ? 2 : 1
}
