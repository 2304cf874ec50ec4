// Runs one test with the packed package in each test runner of docs/testing.md, configured as on that page.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npm } from './node-binary.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PAGE = readFileSync(join(ROOT, 'docs/testing.md'), 'utf8')

interface Runner {
  name: string
  /** Packages installed with the one under test. */
  install: readonly string[]
  type: 'module' | 'commonjs'
  test: string
  files?: Readonly<Record<string, string>>
  command: readonly string[]
  env?: Readonly<Record<string, string>>
}

const BODY = `
async function logsIn() {
  const emulator = await startAuth0Emulator()
  const { domain, clientId, clientSecret } = emulator
  const session = { secret: 'only for tests, only for tests!!' }
  const auth = createRopgAuth({ domain, clientId, clientSecret, session, logger: false })
  const app = express()
  app.use('/auth', auth.router)
  app.get('/me', auth.requireAuth, (req, res) => res.json({ sub: req.auth.sub }))
  const agent = await signIn(request.agent(app), auth, { sub: 'auth0|1' })
  await agent.get('/me').expect(200, { sub: 'auth0|1' })
  const login = (password) => request(app).post('/auth/login').send({ email: 'ada@example.com', password })
  await login('correct horse battery staple').expect(200)
  await login('wrong').expect(401)
  await auth.close()
  await emulator.close()
}
test('logs in', logsIn)
`
const IMPORTS = `
import express from 'express'
import request from 'supertest'
import { createRopgAuth } from 'express-auth0-ropg'
import { signIn, startAuth0Emulator } from 'express-auth0-ropg/testing'
`
const REQUIRES = `
const express = require('express')
const request = require('supertest')
const { createRopgAuth } = require('express-auth0-ropg')
const { signIn, startAuth0Emulator } = require('express-auth0-ropg/testing')
`
const JEST = 'jest@30'
const CONFIG = 'jest.config.js'
const AS_ESM = { type: 'module', test: 'login.test.mjs' } as const
const AS_COMMONJS = { type: 'commonjs', test: 'login.test.js', command: ['npx', 'jest'] } as const

const RUNNERS: readonly Runner[] = [
  { name: 'node:test', install: [], ...AS_ESM, command: ['node', '--test'] },
  { name: 'vitest', install: ['vitest@4'], ...AS_ESM, command: ['npx', 'vitest', 'run', '--globals'] },
  {
    ...{ name: 'jest, ESM', install: [JEST], ...AS_ESM, command: ['npx', 'jest'] },
    env: { NODE_OPTIONS: '--experimental-vm-modules' },
    files: { [CONFIG]: configAfter('### jest, ESM') },
  },
  {
    ...{ name: 'jest, CommonJS, swc', install: [JEST, '@swc/core@1', '@swc/jest@0.2'], ...AS_COMMONJS },
    files: { [CONFIG]: configAfter('With swc:') },
  },
  {
    ...{ name: 'jest, CommonJS, ts-jest', install: [JEST, 'ts-jest@29', 'typescript@5'], ...AS_COMMONJS },
    files: {
      [CONFIG]: configAfter('With ts-jest'),
      'tsconfig.json': JSON.stringify({
        compilerOptions: { allowJs: true, esModuleInterop: true, module: 'commonjs' },
      }),
    },
  },
  {
    ...{ name: 'jest, CommonJS, babel', install: [JEST, '@babel/core@7', '@babel/preset-env@7'], ...AS_COMMONJS },
    files: { [CONFIG]: configAfter('With babel') },
  },
]

/** The first configuration on the page after the given words. */
function configAfter(words: string): string {
  const [, config] = /```js\n([^]*?)```/.exec(PAGE.slice(PAGE.indexOf(words))) ?? []
  if (config === undefined || !PAGE.includes(words)) throw new Error(`docs/testing.md shows no set-up after "${words}"`)
  return config
}

const parent = mkdtempSync(join(tmpdir(), 'express-auth0-ropg-runners-'))
let failed = 0
try {
  const [packed] = JSON.parse(npm(ROOT, ['pack', '--json', '--pack-destination', parent])) as { filename: string }[]
  for (const runner of RUNNERS) {
    const { status, stdout, stderr } = run(runner, join(parent, packed?.filename ?? ''))
    console.log(`${status === 0 ? 'ok' : 'FAILED'}: ${runner.name}`)
    if (status !== 0) console.log(stdout + stderr)
    failed += status === 0 ? 0 : 1
  }
} finally {
  rmSync(parent, { recursive: true, force: true })
}
console.log(`${String(RUNNERS.length - failed)} passed, ${String(failed)} failed`)
if (failed > 0) process.exitCode = 1

function run({ name, install, type, test, files = {}, command, env = {} }: Runner, tarball: string) {
  const project = join(parent, name.replaceAll(/\W+/g, '-'))
  mkdirSync(project)
  const imports = type === 'module' ? IMPORTS : REQUIRES
  const own = name === 'node:test' ? "import { test } from 'node:test'\n" : ''
  const all = { 'package.json': JSON.stringify({ private: true, type }), [test]: own + imports + BODY, ...files }
  for (const [file, text] of Object.entries(all)) writeFileSync(join(project, file), text)
  npm(project, ['install', tarball, 'express@5', 'oidc-provider@9', 'supertest@7', ...install])
  const [program = '', ...args] = command
  return spawnSync(program, args, { cwd: project, encoding: 'utf8', env: { ...process.env, CI: '1', ...env } })
}
