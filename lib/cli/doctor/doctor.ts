import { ConfigurationError } from '../../errors.js'
import type { Env } from '../../options/environment.js'
import type { Config, RopgAuthOptions, Seams } from '../../options/options.js'
import { resolveOptions } from '../../options/resolve-options.js'
import { checkMachine, checkTrustProxy } from './check-machine.js'
import { checkProduction } from './check-production.js'
import { checkRedis } from './check-redis.js'
import { checkTenant } from './check-tenant.js'
import { fault, note, ok, type Finding } from './finding.js'
import { problemsOf } from './problems-of.js'

export interface DoctorInput {
  /** Options of `createRopgAuth`. Missing ones come from the environment. */
  options: RopgAuthOptions
  env: Env
  /** Mount path of the router. */
  mount: string
  /** Where the app's packages are installed. */
  folder: string
  /** An Express app, to check `trust proxy`. */
  app?: unknown
  /** For tests. */
  seams?: Seams
}

const OPTIONS = { check: 'options', setting: 'the options of createRopgAuth, and the environment' }

/** Checks everything that a login depends on. Reports all faults instead of throwing the first. */
export async function examine({ options, env, mount, folder, app, seams = {} }: DoctorInput): Promise<Finding[]> {
  const warnings: string[] = []
  const machine = checkMachine(folder)
  const { config, problems } = read({ ...options, logger: collecting(warnings) }, seams, env)
  if (!config) return [...machine, ...problems.map((problem) => fault(OPTIONS, problem))]
  const [tenant, redis] = await Promise.all([checkTenant(config, { env, mount }), checkRedis(config, env)])
  return [
    ...machine,
    ok(OPTIONS, 'complete and valid'),
    ...tenant,
    ...redis,
    ...checkProduction(options, config, env),
    checkTrustProxy(app, env.NODE_ENV === 'production'),
    ...warnings.map((warning) => note(OPTIONS, warning)),
  ]
}

function read(options: RopgAuthOptions, seams: Seams, env: Env): { config?: Config; problems: string[] } {
  try {
    return { config: resolveOptions(options, seams, env), problems: [] }
  } catch (err) {
    if (err instanceof ConfigurationError) return { problems: problemsOf(err) }
    throw err
  }
}

/** A logger that collects warnings. */
function collecting(warnings: string[]) {
  const add = (_fields: object, message: string) => void warnings.push(message)
  return { info: () => undefined, warn: add, error: add }
}
