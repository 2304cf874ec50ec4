import { spawnSync } from 'node:child_process'
import { findOnPath, findRedisServer } from './find-redis.js'

/**
 * Commands per package manager, tried in turn until a server is installed.
 *
 * @type {{ tool: string, needsRoot: boolean, commands: string[][] }[]}
 */
const INSTALLERS = [
  {
    tool: 'apt-get',
    needsRoot: true,
    commands: [['update'], ['install', '-y', '--no-install-recommends', 'redis-server']],
  },
  {
    tool: 'apk',
    needsRoot: true,
    commands: [
      ['add', '--no-cache', 'redis'],
      ['add', '--no-cache', 'valkey'],
    ],
  },
  {
    tool: 'dnf',
    needsRoot: true,
    commands: [
      ['install', '-y', 'redis'],
      ['install', '-y', 'valkey'],
    ],
  },
  { tool: 'brew', needsRoot: false, commands: [['install', 'redis']] },
]

/** Installs a Redis server with the system's package manager, if this user may, and returns its path. */
export function installRedisServer() {
  for (const installer of INSTALLERS) {
    const path = tryInstaller(installer)
    if (path) return path
  }
  return undefined
}

/** @param {(typeof INSTALLERS)[number]} installer */
function tryInstaller({ tool, needsRoot, commands }) {
  const prefix = needsRoot ? rootPrefix() : []
  if (!findOnPath(tool) || !prefix) return undefined
  for (const command of commands) {
    run([...prefix, tool, ...command])
    const path = findRedisServer()
    if (path) return path
  }
  return undefined
}

/** Prefix for commands that need root, or `undefined` if root is not available without a password. */
function rootPrefix() {
  if (process.getuid?.() === 0) return []
  return run(['sudo', '-n', 'true']) ? ['sudo', '-n'] : undefined
}

/** @param {string[]} command */
function run([file = '', ...args]) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(file, args, { env, stdio: 'ignore', timeout: 300_000 }).status === 0
}
