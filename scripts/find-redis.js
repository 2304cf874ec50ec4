import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const SERVERS = ['redis-server', 'valkey-server']

/** @param {string} name */
export function findOnPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** The paths of the Redis and Valkey servers that are installed here. */
export function findRedisServers() {
  return SERVERS.map(findOnPath).filter((path) => path !== undefined)
}

/** The path of one of them, if there is one. */
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
