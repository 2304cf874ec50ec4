import { findRedisServer } from '../../scripts/find-redis.js'
import { installRedisServer } from '../../scripts/install-redis.js'
import { type RedisServer, startRedis } from './redis-server.ts'

/** Starts one Redis for the whole run: REDIS_URL, or a server from the PATH, or one that is installed first. */
export default async function globalSetup(): Promise<void> {
  const given = process.env.REDIS_URL
  forgetSettingsOfThisMachine()
  const binary = findRedisServer() ?? install()
  if (given) {
    process.env.TEST_REDIS_URL = given
    return
  }
  if (!binary) throw new Error(NO_REDIS)
  const server = await startRedis({ binary })
  process.env.TEST_REDIS_URL = server.url
  ;(globalThis as { testRedis?: RedisServer }).testRedis = server
}

const NO_REDIS =
  'The tests need a real Redis. Set REDIS_URL, or put redis-server or valkey-server on the PATH ' +
  '(Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis).'

function install(): string | undefined {
  process.stderr.write('No redis-server or valkey-server on the PATH: trying the package manager of this system.\n')
  return installRedisServer()
}

/** The package reads these variables, and tests must not depend on the developer's environment. */
function forgetSettingsOfThisMachine(): void {
  for (const name of Object.keys(process.env)) {
    if (/^(?:AUTH0_.*|SESSION_SECRET|REDIS_URL)$/.test(name)) Reflect.deleteProperty(process.env, name)
  }
}
