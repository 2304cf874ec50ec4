/**
 * Which layers of lib/ may import which. Read by the lint rules and `__tests__/architecture.test.ts`.
 * A layer is a folder of lib/, with two exceptions: `leaf` is any file at the top of lib/, and `root` is the files
 * there that put the parts together.
 *
 * @typedef {object} Layer
 * @property {string[]} layers layers whose code it may import, including its own
 * @property {string[]} [layerTypes] layers whose types it may import
 * @property {string[] | 'any'} packages packages whose code it may import
 * @property {string[] | 'any'} packageTypes further packages whose types it may import
 */

export const ROOT_FILES = ['index.ts', 'create-ropg-auth.ts']

/** @type {Record<string, Layer>} */
export const LAYERS = {
  leaf: { layers: ['leaf'], packages: ['pino', '@opentelemetry/api'], layerTypes: ['options'], packageTypes: 'any' },
  options: { layers: ['leaf', 'options'], packages: ['zod', 'pino'], packageTypes: 'any' },
  http: {
    layers: ['leaf', 'options', 'http', 'flows'],
    layerTypes: ['auth0', 'session', 'pending'],
    packages: ['express', 'express-rate-limit', 'rate-limit-redis', 'zod'],
    packageTypes: 'any',
  },
  flows: {
    layers: ['leaf', 'options', 'flows', 'auth0', 'session', 'pending'],
    layerTypes: ['store'],
    packages: [],
    packageTypes: 'any',
  },
  auth0: { layers: ['leaf', 'options', 'auth0'], packages: ['openid-client', 'jose', 'undici'], packageTypes: [] },
  session: {
    layers: ['leaf', 'options', 'session', 'store'],
    packages: ['express-session', 'cookie', 'cookie-signature', 'connect-redis'],
    packageTypes: 'any',
  },
  pending: {
    layers: ['leaf', 'options', 'pending', 'session', 'store'],
    packages: ['cookie', 'cookie-signature'],
    packageTypes: 'any',
  },
  store: { layers: ['leaf', 'options', 'store'], packages: ['ioredis'], packageTypes: 'any' },
  testing: {
    layers: ['leaf', 'options', 'flows', 'testing'],
    layerTypes: ['root', 'http', 'auth0', 'session', 'store'],
    packages: 'any',
    packageTypes: 'any',
  },
  cli: {
    layers: ['leaf', 'options', 'root', 'http', 'flows', 'auth0', 'session', 'pending', 'store', 'testing', 'cli'],
    packages: 'any',
    packageTypes: 'any',
  },
  root: {
    layers: ['leaf', 'options', 'root', 'http', 'flows', 'auth0', 'session', 'pending', 'store'],
    packages: 'any',
    packageTypes: 'any',
  },
}

export const FOLDERS = Object.keys(LAYERS).filter((name) => name !== 'leaf' && name !== 'root')

/**
 * The layer of a file, by its path below lib/.
 *
 * @param {string} path
 */
export function layerOf(path) {
  const [folder, ...below] = path.split('/')
  if (folder !== undefined && below.length > 0) return folder
  return ROOT_FILES.includes(path) ? 'root' : 'leaf'
}

/** @param {string} name */
export function layerNamed(name) {
  const layer = LAYERS[name]
  if (!layer) throw new Error(`scripts/layers.js knows no ${name}`)
  return layer
}
