import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseEnv } from 'node:util'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { ROOT } from './run.ts'

const MAIN = join(ROOT, 'lib', 'cli', 'main.ts')
let folder: string
let emulator: ChildProcess
let env: NodeJS.ProcessEnv

function start(args: string[], variables: NodeJS.ProcessEnv = {}) {
  const environment = { PATH: process.env.PATH, ...variables }
  return spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { cwd: ROOT, env: environment })
}

beforeAll(async () => {
  await mkdir(join(ROOT, 'coverage'), { recursive: true })
  folder = await mkdtemp(join(ROOT, 'coverage', 'cli-'))
  const child = start(['emulator', '--port', '0'])
  emulator = child
  const [printed] = (await once(child.stdout, 'data')) as [Buffer]
  env = parseEnv(printed.toString())
})
afterAll(async () => {
  emulator.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

it('the doctor examines the emulator, with the options that a module exports', async () => {
  const path = join(folder, 'options.mjs')
  await writeFile(
    path,
    `import express from 'express'
     export const options = { realm: 'Customers' }
     export const app = express().set('trust proxy', 1)
     setInterval(() => {}, 1000) // keeps the process alive`,
  )
  const doctor = start(['doctor', '--json', '--config', path], env)
  const [out, err] = await Promise.all([text(doctor.stdout), text(doctor.stderr)])
  expect(err).toBe('')
  const { findings } = JSON.parse(out) as { findings: { check: string; status: string }[] }
  expect(findings.filter(({ status }) => status === 'fault')).toEqual([
    expect.objectContaining({ check: 'realm', setting: expect.stringContaining('option realm') }),
  ])
  expect(findings).toContainEqual(expect.objectContaining({ check: 'trust proxy', status: 'ok' }))
  expect(doctor.exitCode ?? (await once(doctor, 'exit'))[0]).toBe(1)
})

it('the emulator ends at SIGTERM, with exit code 0', async () => {
  const exited = once(emulator, 'exit')
  emulator.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
})
