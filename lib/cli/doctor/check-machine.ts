import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fault, note, ok, skipped, type Finding } from './finding.js'

const NODE = { check: 'Node.js', setting: 'Node.js 20.19 or later' }
const EXPRESS = { check: 'Express', setting: 'express in package.json' }
const PROXY = { check: 'trust proxy', setting: "app.set('trust proxy', ...) in the app" }

/** Unsupported Node.js versions never get this far. */
export function checkMachine(folder: string): Finding[] {
  return [ok(NODE, process.versions.node), checkExpress(folder)]
}

function checkExpress(folder: string): Finding {
  const version = versionOf('express', folder)
  if (version === undefined) return fault(EXPRESS, 'not installed here: npm install express')
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major === 5 || (major === 4 && minor >= 18)) return ok(EXPRESS, version)
  return fault(EXPRESS, `${version} is not supported: install express 4.18 or later, or 5`)
}

function versionOf(name: string, folder: string): string | undefined {
  try {
    const path = createRequire(join(folder, 'package.json')).resolve(`${name}/package.json`)
    return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
  } catch {
    return undefined
  }
}

/** Checks the Express app that the `--config` module exports. */
export function checkTrustProxy(app: unknown, isProduction: boolean): Finding {
  const setting = settingOf(app)
  if (setting === NO_APP) return skipped(PROXY, 'not checked: export the Express app as `app` from the --config module')
  if (setting === true) {
    return fault(
      PROXY,
      'is true, so clients can spoof their address and evade rate limits: set it to the number of proxies',
    )
  }
  if (setting === false && isProduction) {
    return note(
      PROXY,
      'not set, which is correct without a proxy; behind a proxy, all users share its address and one rate limit',
    )
  }
  return ok(PROXY, setting === false ? 'not set' : 'set')
}

const NO_APP = Symbol('no app')

function settingOf(app: unknown): unknown {
  const { get } = Object(app) as { get?: (name: string) => unknown }
  return typeof get === 'function' ? get.call(app, 'trust proxy') : NO_APP
}
