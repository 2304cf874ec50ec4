import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const SERVERS = ['redis-server', 'valkey-server']

/** @param {string} name */
export function findOnPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** Paths of all installed Redis and Valkey servers. */
export function findRedisServers() {
  return SERVERS.map(findOnPath).filter((path) => path !== undefined)
}

/** Path of an installed server, if any. */
export function findRedisServer() {
  return findRedisServers().at(0)
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
