import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs, parseEnv } from 'node:util'
import type { Env } from '../options/environment.js'
import type { RopgAuthOptions, Seams } from '../options/options.js'
import { examine } from './doctor/doctor.js'
import { asJson, asText, isWell } from './doctor/report.js'
import { concealing } from './conceal.js'
import { isColored, UsageError, type Terminal } from './terminal.js'

export const DOCTOR_HELP = `express-auth0-ropg doctor [options]

Checks the options, the Auth0 tenant, Redis and production settings, and names the setting behind each problem.
It reads the same environment variables as createRopgAuth. Exit code: 0 if all is well, 1 on a fault, 2 on incorrect usage.

  --realm <name>         the realm option
  --audience <url>       the audience option
  --scope <scopes>       the scope option
  --config <module>      a module that exports the options as \`options\` or by default, and the Express app as \`app\`
  --env-file <path>      reads variables from a file; the environment takes precedence
  --mount <path>         where auth.router is mounted (default /api/auth)
  --json                 prints JSON

With DOCTOR_USERNAME and DOCTOR_PASSWORD set, it also performs one real login.
`

const FLAGS = {
  realm: { type: 'string' },
  audience: { type: 'string' },
  scope: { type: 'string' },
  config: { type: 'string' },
  'env-file': { type: 'string' },
  mount: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** `seams` are for tests. */
export async function doctorCommand(args: string[], terminal: Terminal, seams: Seams = {}): Promise<number> {
  const { values: flags } = parseArgs({ args, options: FLAGS })
  const { folder } = terminal
  const file = readEnvFile(flags['env-file'], folder)
  const env = { ...file, ...terminal.env }
  // Set for the --config module, which may call createRopgAuth.
  for (const [name, value] of Object.entries(file)) process.env[name] ??= value
  const { options, app } = await readModule(flags.config, folder)
  const { realm, audience, scope, mount = '/api/auth' } = flags
  const wanted = { ...options, ...defined({ realm, audience, scope }) }
  const findings = await examine({ options: wanted, app, env, mount, folder, seams })
  const conceal = concealing(wanted, env)
  const text = flags.json ? asJson(findings) : asText(findings, { color: isColored(terminal) })
  terminal.out(conceal(text))
  if (!flags.json && isEnvFileForgotten({ env, folder })) terminal.err(FORGOTTEN)
  return isWell(findings) ? 0 : 1
}

const FORGOTTEN = 'This folder has a .env file: to read it, add --env-file .env\n'

function isEnvFileForgotten({ env, folder }: { env: Env; folder: string }): boolean {
  return env.AUTH0_DOMAIN === undefined && existsSync(join(folder, '.env'))
}

function defined(flags: Record<string, string | undefined>): RopgAuthOptions {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined))
}

function readEnvFile(path: string | undefined, folder: string): Env {
  if (path === undefined) return {}
  try {
    return parseEnv(readFileSync(resolve(folder, path), 'utf8'))
  } catch {
    throw new UsageError(`--env-file: ${path} cannot be read`)
  }
}

interface ConfigModule {
  options: RopgAuthOptions
  app: unknown
}

async function readModule(path: string | undefined, folder: string): Promise<ConfigModule> {
  if (path === undefined) return { options: {}, app: undefined }
  const loaded = await load(path, folder)
  const options: unknown = await (loaded.options ?? loaded.default)
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(`--config: ${path} must export the options of createRopgAuth as \`options\` or by default`)
  }
  return { options: options, app: loaded.app }
}

async function load(path: string, folder: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(resolve(folder, path)).href)) as Record<string, unknown>
  } catch (err) {
    const { code, name, message } = Object(err) as { code?: string; name?: string; message?: string }
    // Other messages may quote the module, which may contain secrets.
    const reason = name === 'ConfigurationError' ? message : (code ?? name)
    throw new UsageError(`--config: ${path} cannot be loaded (${reason ?? 'unknown error'})`)
  }
}
