import { BASE, type Scale } from './contenders.ts'
import type { Entrant } from './enter.ts'
import { type Cell, counted, median, spread, table, whole } from './markdown.ts'
import type { Measured } from './measure.ts'

/** Results of one contender in one round. */
export interface Turn {
  /** 50 connections and 1 connection. */
  many: Measured
  one: Measured
}

/** Contender -> its results per round. */
export type Results = ReadonlyMap<Entrant, readonly Turn[]>

const HEAD = [
  'contender',
  'req/s',
  'ratio to base (min to max)',
  'p50 ms',
  'p99 ms',
  'req/s, 1 conn.',
  'ratio, 1 conn. (min to max)',
  'p50 ms, 1 conn.',
  'CPU µs/req',
  'Redis commands/req',
]

export function resultTable(results: Results, scale: Scale): string {
  const base = [...results].find(([{ contender }]) => contender.name === BASE)?.[1]
  const head = scale === 'get' ? [...HEAD, 'bytes/session in Redis', 'cookie bytes'] : HEAD
  const rows = [...results].map(([entrant, turns]) => [
    ...measuredCells(entrant.contender.name, turns, base),
    ...(scale === 'get' ? storedCells(entrant) : []),
  ])
  return table(head, rows)
}

function measuredCells(name: string, turns: readonly Turn[], base: readonly Turn[] | undefined): Cell[] {
  const many = turns.map((turn) => turn.many)
  const one = turns.map((turn) => turn.one)
  const milliseconds = (values: number[]) => (median(values) / 1000).toFixed(2)
  return [
    name,
    whole(median(many.map(({ perSecond }) => perSecond))),
    ratios(
      many,
      base?.map((turn) => turn.many),
    ),
    milliseconds(many.map(({ p50 }) => p50)),
    milliseconds(many.map(({ p99 }) => p99)),
    whole(median(one.map(({ perSecond }) => perSecond))),
    ratios(
      one,
      base?.map((turn) => turn.one),
    ),
    milliseconds(one.map(({ p50 }) => p50)),
    whole(median(many.map(({ cpu }) => cpu))),
    commands(many),
  ]
}

function ratios(measured: readonly Measured[], base: readonly Measured[] | undefined): string {
  return base ? spread(ratiosOf(measured, base), 2) : '-'
}

/** Compares within one round, so that changes in machine speed do not count. */
export function ratiosOf(measured: readonly Measured[], base: readonly Measured[]): number[] {
  return measured.map(({ perSecond }, round) => perSecond / (base[round]?.perSecond ?? NaN))
}

function commands(measured: readonly Measured[]): string {
  const names = [...new Set(measured.flatMap(({ calls }) => Object.keys(calls)))].sort()
  const perName = names.map((name) => [name, median(measured.map(({ calls }) => calls[name] ?? 0))] as const)
  const total = perName.reduce((sum, [, calls]) => sum + calls, 0)
  const parts = perName.filter(([, calls]) => calls >= 0.005).map(([name, calls]) => `${name} ${short(calls)}`)
  return parts.length ? `${short(total)}: ${parts.join(', ')}` : '0'
}

const short = (value: number) => String(Number(value.toFixed(2)))

function storedCells({ cookie, stored: { bytes, keys } }: Entrant): Cell[] {
  return [keys.length ? `${whole(bytes)} in ${counted(keys.length, 'key')}` : '0', cookie.length]
}
