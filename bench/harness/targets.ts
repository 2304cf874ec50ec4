import { BASE, type Scale } from './contenders.ts'
import { type Cell, median, spread, table } from './markdown.ts'
import type { Measured } from './measure.ts'
import type { Costs } from './redis-costs.ts'
import { ratiosOf, type Results, type Turn } from './report.ts'

interface Target {
  what: string
  scale: Scale
  of: string
  /** Compared with the fastest of them. */
  to: readonly string[]
  /** Targets for 50 connections and for one. Undefined: shown without a target. */
  many?: number
  one?: number
}

const AUTH0_PACKAGES = ['oidc-cookie', 'oidc-redis', 'server-js', 'server-js-example']

const TARGETS: readonly Target[] = [
  { what: 'GET with req.auth', scale: 'get', of: 'ours', to: [BASE], many: 3, one: 1.5 },
  { what: 'GET with req.auth', scale: 'get', of: 'ours', to: ['floor-get'], many: 0.85 },
  { what: 'GET with auth.session', scale: 'get', of: 'ours-session', to: [BASE], many: 2, one: 1.2 },
  { what: 'GET with getAccessToken()', scale: 'token', of: 'ours', to: [BASE], many: 1.8, one: 1.2 },
  { what: 'GET with getAccessToken()', scale: 'token', of: 'ours', to: AUTH0_PACKAGES, many: 1.7 },
  { what: 'GET with getAccessToken()', scale: 'token', of: 'ours', to: ['node-redis'] },
  { what: 'login', scale: 'login', of: 'ours', to: [BASE], many: 1, one: 1 },
  { what: 'login', scale: 'login', of: 'ours', to: ['auth0-auth-js'], many: 1.2 },
]

export function targetTable(results: Partial<Record<Scale, Results>>): string {
  const head = [
    'requests per second of ours',
    'in relation to',
    '50 connections (min to max)',
    'wanted',
    '1 connection (min to max)',
    'wanted',
  ]
  return table(
    head,
    TARGETS.flatMap((target) => rowsOf(target, results[target.scale] ?? new Map())),
  )
}

/** Empty if a contender was left out. */
function rowsOf({ what, of, to, many, one }: Target, results: Results): Cell[][] {
  const turns = (name: string) => [...results].find(([{ contender }]) => contender.name === name)?.[1]
  const ours = turns(of)
  const others = to.flatMap((name) => (turns(name) ? [{ name, turns: turns(name) ?? [] }] : []))
  if (!ours || others.length === 0) return []
  const best = (shape: keyof Turn) => fastest(others, shape)
  const cells = (shape: keyof Turn, wanted: number | undefined) => {
    const ratios = ratiosOf(shapeOf(ours, shape), shapeOf(best(shape).turns, shape))
    return [spread(ratios, 2), verdict(median(ratios), wanted)]
  }
  const names = [...new Set([best('many').name, best('one').name])]
  const relation = to.length > 1 ? `${names.join(' and ')}, the best Auth0 package` : names.join()
  return [[`${what} (${of})`, relation, ...cells('many', many), ...cells('one', one)]]
}

interface Other {
  name: string
  turns: readonly Turn[]
}

function fastest(others: readonly Other[], shape: keyof Turn): Other {
  const rate = ({ turns }: Other) => median(shapeOf(turns, shape).map(({ perSecond }) => perSecond))
  return others.reduce((best, other) => (rate(other) > rate(best) ? other : best))
}

function shapeOf(turns: readonly Turn[], shape: keyof Turn): Measured[] {
  return turns.map((turn) => turn[shape])
}

function verdict(value: number, wanted: number | undefined): string {
  return wanted === undefined ? '-' : `≥ ${wanted}: ${value >= wanted ? 'met' : 'missed'}`
}

/** Contender, what is counted, and the maximum. */
const LIMITS = [
  { of: 'ours', what: 'round trips of a GET', count: ({ trips }: Costs) => trips.get, most: 1 },
  { of: 'ours-session', what: 'round trips of a GET', count: ({ trips }: Costs) => trips.get, most: 1 },
  { of: 'ours', what: 'round trips of a GET with token', count: ({ trips }: Costs) => trips.token, most: 2 },
  { of: 'ours', what: 'round trips of a login', count: ({ trips }: Costs) => trips.login, most: 3 },
  { of: 'ours-limited', what: 'round trips of a login', count: ({ trips }: Costs) => trips.login, most: 3 },
  { of: 'ours', what: 'bytes of a session to its raw tokens', count: ({ ofTokens }: Costs) => ofTokens, most: 1.6 },
  { of: 'ours', what: "keys of a session and its user's list", count: ({ keys }: Costs) => keys, most: 2 },
] as const

export function costTargetTable(costs: readonly Costs[]): string {
  const rows = LIMITS.flatMap(({ of, what, count, most }) => {
    const found = costs.find(({ name }) => name === of)
    const value = found && count(found)
    if (value === undefined) return []
    return [[`${what} (${of})`, String(Number(value.toFixed(2))), `≤ ${most}: ${value <= most ? 'met' : 'missed'}`]]
  })
  return table(['Redis', 'measured', 'wanted'], rows)
}
