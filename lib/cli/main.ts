#!/usr/bin/env node
import '../node-version.js'
import { runCommand } from './command.js'

const { env, stdout, stderr } = process

const code = await runCommand(process.argv.slice(2), {
  env,
  folder: process.cwd(),
  isTty: stdout.isTTY,
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  stopped: () =>
    new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    }),
})

// Exits explicitly once all output is written, because a --config module may keep the process alive.
stdout.write('', () => process.exit(code))
