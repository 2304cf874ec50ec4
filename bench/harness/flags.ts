import { parseArgs } from 'node:util'

export interface Flags {
  rounds: number
  /** Of each measurement, after its warm-up. */
  seconds: number
  /** Names of contenders; empty: all. */
  only: readonly string[]
  scale: 'hot' | 'login' | 'all'
}

/** Flags of bench/run.ts; the environment (BENCH_ROUNDS and so on) fills in what is left out. */
export function readFlags(): Flags {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: process.env.BENCH_ROUNDS ?? '10' },
      seconds: { type: 'string', default: process.env.BENCH_SECONDS ?? '1' },
      only: { type: 'string', default: process.env.BENCH_ONLY ?? '' },
      scale: { type: 'string', default: process.env.BENCH_SCALE ?? 'all' },
    },
  })
  const { scale } = values
  if (scale !== 'hot' && scale !== 'login' && scale !== 'all') throw new Error('--scale is hot, login or all')
  return {
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    only: values.only.split(',').filter(Boolean),
    scale,
  }
}

export function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0) return value
  throw new Error(`--${name} is a number above 0`)
}
