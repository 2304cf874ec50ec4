import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { startAuth0Emulator, type Auth0Emulator, type EmulatorOptions, type EmulatorUser } from '../testing/emulator.js'
import { EXAMPLE_USERS, readUsersFile, userOf } from './emulator-users.js'
import { UsageError, type Terminal } from './terminal.js'
import { watchCodes } from './watch-codes.js'

export const EMULATOR_HELP = `express-auth0-ropg emulator [options]

Runs an Auth0 emulator on this machine until Ctrl-C, and prints the variables for your .env. It needs oidc-provider:
npm install --save-dev oidc-provider

  --port <number>            port on 127.0.0.1 (default 4010; 0 picks a free one)
  --user <email:password>    a user; may be repeated
  --users <file>             a JSON file: a list of users, or an object of emulator options with users
  --json                     prints JSON

Without users, it starts with example users and lists them.
`

const FLAGS = {
  port: { type: 'string' },
  user: { type: 'string', multiple: true, default: [] as string[] },
  users: { type: 'string' },
  json: { type: 'boolean' },
} as const

export async function emulatorCommand(args: string[], terminal: Terminal): Promise<number> {
  const { values: flags } = parseArgs({ args, options: FLAGS })
  const fromFile: EmulatorOptions = flags.users === undefined ? {} : readUsersFile(flags.users, terminal.folder)
  const given = [...(fromFile.users ?? []), ...flags.user.map(userOf)]
  const users = given.length > 0 ? given : EXAMPLE_USERS
  const emulator = await start({ ...fromFile, users, port: portOf(flags.port) ?? fromFile.port ?? 4010 })
  const unwatch = watchCodes(emulator, users, terminal.err)
  try {
    terminal.out(flags.json ? asJson(emulator, users) : asEnv(emulator, users))
    await terminal.stopped()
  } finally {
    unwatch()
    await emulator.close()
  }
  return 0
}

function portOf(written: string | undefined): number | undefined {
  if (written === undefined) return undefined
  const port = Number(written)
  if (/^\d+$/.test(written) && port <= 65_535) return port
  throw new UsageError('--port must be a number from 0 to 65535')
}

async function start(options: EmulatorOptions): Promise<Auth0Emulator> {
  try {
    return await startAuth0Emulator(options)
  } catch (err) {
    if ((err as { code?: unknown }).code !== 'EADDRINUSE') throw err
    throw new Error(`Port ${String(options.port)} is in use: choose another one with --port`, { cause: err })
  }
}

/** The output is a valid .env file: everything except the variables is a comment. */
function asEnv(emulator: Auth0Emulator, users: readonly EmulatorUser[]): string {
  const width = Math.max(...users.map(({ email }) => email.length))
  return [
    '# An Auth0 emulator on this machine. Press Ctrl-C to stop it.',
    ...Object.entries(variablesOf(emulator)).map(([name, value]) => `${name}=${value}`),
    '',
    '# Users',
    ...users.map((user) => `#   ${user.email.padEnd(width)}  ${user.password}${secondFactorOf(user)}`),
    '',
  ].join('\n')
}

function secondFactorOf({ mfa }: EmulatorUser): string {
  if (!mfa) return ''
  const factors = mfa === true ? ['otp'] : (mfa.factors ?? []).map(({ type }) => type)
  return `  (second factor: ${factors.join(', ') || 'to be enrolled'})`
}

function asJson(emulator: Auth0Emulator, users: readonly EmulatorUser[]): string {
  return `${JSON.stringify({ env: variablesOf(emulator), users }, undefined, 2)}\n`
}

function variablesOf({ domain, clientId, clientSecret }: Auth0Emulator): Record<string, string> {
  return {
    AUTH0_DOMAIN: domain,
    AUTH0_CLIENT_ID: clientId,
    AUTH0_CLIENT_SECRET: clientSecret,
    SESSION_SECRET: randomBytes(36).toString('base64'),
  }
}
