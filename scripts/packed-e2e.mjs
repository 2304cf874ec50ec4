// Installs the packed tarball into an empty project and logs in with it in plain Node: with import, with require(), and
// compiled by TypeScript with common project settings, with skipLibCheck off. Each program must exit by itself.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const ENDS_WITHIN = 60_000

const PROGRAM = `
async function main() {
  const emulator = await startAuth0Emulator()
  const auth = createRopgAuth({
    domain: emulator.domain,
    clientId: emulator.clientId,
    clientSecret: emulator.clientSecret,
    session: { secret: 'x'.repeat(32) },
    logger: false,
  })

  const app = express()
  app.use('/auth', auth.router)
  app.get('/me', auth.requireAuth, (req, res) => {
    res.json({ sub: req.auth.sub })
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert(address !== null && typeof address === 'object')
  const origin = 'http://127.0.0.1:' + String(address.port)
  const login = (password: string) =>
    fetch(origin + '/auth/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ada@example.com', password }),
    })

  const stranger = await fetch(origin + '/me')
  assert.equal(stranger.status, 401, await stranger.text())

  const refused = await login('wrong')
  const refusal = (await refused.json()) as { error: string }
  assert.equal(refused.status, 401, JSON.stringify(refusal))
  assert.equal(refusal.error, 'invalid_credentials')
  assert.deepEqual(refused.headers.getSetCookie(), [])

  const accepted = await login('correct horse battery staple')
  const answer = (await accepted.json()) as { success: boolean; user: { id: string } }
  assert.equal(accepted.status, 200, JSON.stringify(answer))
  assert.equal(answer.success, true)
  const cookie = accepted.headers.getSetCookie()[0]?.split(';')[0]
  assert(cookie)

  const me = await fetch(origin + '/me', { headers: { cookie } })
  assert.equal(me.status, 200)
  assert.deepEqual(await me.json(), { sub: answer.user.id })
  assert(answer.user.id)

  server.close()
  server.closeAllConnections()
  await auth.close()
  await emulator.close()
}

main().catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
`

const ESM_HEAD = `
import assert from 'node:assert/strict'
import { once } from 'node:events'
import express from 'express'
import { createRopgAuth } from 'express-auth0-ropg'
import { startAuth0Emulator } from 'express-auth0-ropg/testing'
`

const CJS_HEAD = `
const assert = require('node:assert/strict')
const { once } = require('node:events')
const express = require('express')
const { createRopgAuth } = require('express-auth0-ropg')
const { startAuth0Emulator } = require('express-auth0-ropg/testing')
`

const STRICT = {
  target: 'es2022',
  lib: ['es2022'],
  types: ['node'],
  strict: true,
  esModuleInterop: true,
  skipLibCheck: false,
  rootDir: 'src',
}

const DOCTOR = `
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { startAuth0Emulator } from 'express-auth0-ropg/testing'

const emulator = await startAuth0Emulator()
const env = {
  ...process.env,
  AUTH0_DOMAIN: emulator.domain,
  AUTH0_CLIENT_ID: emulator.clientId,
  AUTH0_CLIENT_SECRET: emulator.clientSecret,
  SESSION_SECRET: 'x'.repeat(32),
}
const doctor = spawn('npx', ['--no-install', 'express-auth0-ropg', 'doctor', '--json'], {
  env,
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [report, [status]] = await Promise.all([text(doctor.stdout), once(doctor, 'exit')])
assert.equal(status, 0, report)
assert.equal(JSON.parse(report).ok, true)
await emulator.close()
`
/** @type {{ name: string, source: string, output: string, settings: object }[]} */
const BUILDS = [
  { name: 'nodenext', source: 'consumer.mts', output: 'consumer.mjs', settings: { module: 'nodenext' } },
  { name: 'nodenext-commonjs', source: 'consumer.cts', output: 'consumer.cjs', settings: { module: 'nodenext' } },
  {
    ...{ name: 'bundler', source: 'consumer.mts', output: 'consumer.mjs' },
    settings: { module: 'esnext', moduleResolution: 'bundler' },
  },
  {
    ...{ name: 'node10', source: 'consumer.ts', output: 'consumer.js' },
    // Deprecated in TypeScript 6. This silences the error.
    settings: { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' },
  },
]

const project = mkdtempSync(join(tmpdir(), 'express-auth0-ropg-packed-'))
try {
  install()
  writePrograms()
  const failed = [
    runs('import', ['consumer.mjs']),
    runs('require()', ['consumer.cjs']),
    ...BUILDS.map((build) => compiles(build) && runs(`TypeScript, ${build.name},`, [`${build.name}/${build.output}`])),
    report('doctor examines an emulator', spawnSync(process.execPath, ['doctor.mjs'], options())),
  ].includes(false)
  if (failed) process.exitCode = 1
} finally {
  rmSync(project, { recursive: true, force: true })
}

function install() {
  const tarball = npm(ROOT, ['pack', '--pack-destination', project, '--silent']).trim().split('\n').at(-1) ?? ''
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest(tarball), null, 2))
  npm(project, ['install', '--prefer-offline', '--no-audit', '--no-fund'])
}

/**
 * Uses the versions locked here, so that new releases of other packages cannot fail this.
 *
 * @param {string} tarball
 */
function manifest(tarball) {
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const beside = ['express', 'oidc-provider', 'typescript', '@types/express', '@types/node']
  return {
    name: 'consumer',
    private: true,
    dependencies: { 'express-auth0-ropg': `file:./${tarball}`, ...installedVersions(beside) },
    overrides: installedVersions(Object.keys(own.dependencies)),
  }
}

/** @param {string[]} names */
function installedVersions(names) {
  const versionOf = (/** @type {string} */ name) =>
    JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')).version
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]))
}

function writePrograms() {
  const untyped = PROGRAM.replaceAll(/\((\w+): \w+\)/g, '($1)').replaceAll(/\((await \w+\.json\(\))\) as .*$/gm, '$1')
  mkdirSync(join(project, 'src'))
  writeFileSync(join(project, 'consumer.mjs'), ESM_HEAD + untyped)
  writeFileSync(join(project, 'consumer.cjs'), CJS_HEAD + untyped)
  writeFileSync(join(project, 'doctor.mjs'), DOCTOR)
  for (const { name, source, settings } of BUILDS) {
    writeFileSync(join(project, 'src', source), ESM_HEAD + PROGRAM)
    const config = { compilerOptions: { ...STRICT, ...settings, outDir: name }, files: [`src/${source}`] }
    writeFileSync(join(project, `tsconfig.${name}.json`), JSON.stringify(config))
  }
}

/** @param {{ name: string }} build */
function compiles({ name }) {
  const command = ['--no-install', 'tsc', '-p', `tsconfig.${name}.json`]
  return report(`TypeScript compiles, ${name}`, spawnSync('npx', command, options()))
}

/**
 * @param {string} name
 * @param {string[]} args
 */
function runs(name, args) {
  return report(`${name} logs in and ends`, spawnSync(process.execPath, args, options()))
}

/**
 * @param {string} name
 * @param {import('node:child_process').SpawnSyncReturns<string>} result
 */
function report(name, { status, error, stdout, stderr }) {
  const passed = status === 0
  console.log(`${passed ? 'ok' : 'FAILED'}: ${name}`)
  if (!passed) console.error([error?.message, `exit status ${status}`, stdout, stderr].filter(Boolean).join('\n'))
  return passed
}

/** @returns {import('node:child_process').SpawnSyncOptionsWithStringEncoding} */
function options() {
  const settings = /^(?:AUTH0_.*|SESSION_SECRET|REDIS_URL|NODE_ENV|NODE_OPTIONS)$/
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !settings.test(name)))
  return { cwd: project, encoding: 'utf8', env, timeout: ENDS_WITHIN, killSignal: 'SIGKILL' }
}

/**
 * @param {string} cwd
 * @param {string[]} args
 */
function npm(cwd, args) {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}
