import { parseArgs } from 'node:util'
import type { Scale } from './contenders.ts'

export const SCALES: readonly Scale[] = ['get', 'token', 'login']

export interface Flags {
  rounds: number
  /** Per measurement, after the warm-up. */
  seconds: number
  /** Contender names. Empty means all. */
  only: readonly string[]
  scales: readonly Scale[]
}

/** Flags of bench/run.ts. Environment variables such as BENCH_ROUNDS provide defaults. */
export function readFlags(): Flags {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: process.env.BENCH_ROUNDS ?? '10' },
      seconds: { type: 'string', default: process.env.BENCH_SECONDS ?? '1' },
      only: { type: 'string', default: process.env.BENCH_ONLY ?? '' },
      scale: { type: 'string', default: process.env.BENCH_SCALE ?? 'all' },
    },
  })
  return {
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    only: values.only.split(',').filter(Boolean),
    scales: scalesNamed(values.scale),
  }
}

function scalesNamed(text: string): readonly Scale[] {
  if (text === 'all') return SCALES
  const scales = SCALES.filter((scale) => scale === text)
  if (scales.length === 0) throw new Error(`--scale is ${SCALES.join(', ')} or all`)
  return scales
}

export function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0) return value
  throw new Error(`--${name} is a number above 0`)
}
