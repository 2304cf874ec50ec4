import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npm } from './node-binary.ts'

const EXPRESS = ['4.18', '4', '5']
const IOREDIS = ['5', '6']
const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Installs the packed package with every pair of Express and ioredis. Returns the paths of their core programs. */
export function installPairs(parent: string): string[] {
  const tarball = npm(ROOT, ['pack', '--ignore-scripts', '--pack-destination', parent, '--silent']).trim()
  return EXPRESS.flatMap((express) => IOREDIS.map((ioredis) => installPair({ parent, tarball, express, ioredis })))
}

interface Pair {
  parent: string
  tarball: string
  express: string
  ioredis: string
}

function installPair({ parent, tarball, express, ioredis }: Pair): string {
  const folder = join(parent, `express-${express}-ioredis-${ioredis}`)
  mkdirSync(folder, { recursive: true })
  const dependencies = { 'express-auth0-ropg': `file:../${tarball}`, express, ioredis, 'oidc-provider': '9' }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'cell', private: true, dependencies }))
  npm(folder, ['install', '--prefix', folder])
  for (const file of ['core.mjs', 'app.mjs']) copyFileSync(join(ROOT, 'matrix', file), join(folder, file))
  return join(folder, 'core.mjs')
}
