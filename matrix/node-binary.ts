import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** Installs a Node.js version from npm into a folder and returns the path of its binary. */
export function installNode(version: string, parent: string): string {
  const folder = join(parent, `node-${version}`)
  mkdirSync(folder, { recursive: true })
  npm(folder, ['install', '--prefix', folder, `node@${version}`])
  return join(folder, 'node_modules', 'node', 'bin', 'node')
}

export function npm(cwd: string, args: string[]): string {
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  return execFileSync('npm', [...args, ...quiet], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}
