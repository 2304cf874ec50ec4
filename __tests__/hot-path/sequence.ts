import { createRandom, type Random, seedOf } from '../history/random.ts'

/** What a handler does, one after the other. Everything after `end` happens when the answer is gone. */
export type Step =
  | 'has'
  | 'id'
  | 'read'
  | 'auth'
  | 'write note'
  | 'write cart'
  | 'delete note'
  | 'add item'
  | 'age'
  | 'ageless'
  | 'hold'
  | 'write held'
  | 'age held'
  | 'proxy'
  | 'replace'
  | 'touch'
  | 'save'
  | 'regenerate'
  | 'destroy'
  | 'reload'
  | 'null'
  | 'logout'
  | 'strip'
  | 'hook'
  | 'wrap'
  | 'head'
  | 'stream'
  | 'pause'
  | 'end'

/** Which cookie comes along; `ended` is one of a session that this client had before. */
export type CookieKind = 'own' | 'none' | 'forged' | 'ended'

export interface Visit {
  kind: 'visit'
  method: 'GET' | 'HEAD'
  /** Behind requireAuth, or behind auth.session alone. */
  behind: 'guarded' | 'open'
  steps: Step[]
  cookie: CookieKind
}

export interface Login {
  kind: 'login'
  good: boolean
  remember: boolean
  cookie: CookieKind
}

export interface Plain {
  kind: 'logout' | 'user'
  cookie: CookieKind
}

export type Single = Visit | Login | Plain

/** `held`: the first has come in and read its session; then the second runs; then the first goes on. */
export type Operation = Single | { kind: 'parallel'; both: [Visit, Visit] } | { kind: 'held'; held: Visit; by: Single }

export interface Sequence {
  number: number
  /** Staged without a login, unless it begins with nothing. */
  begin: 'anonymous' | 'ordinary' | 'remembered'
  operations: Operation[]
}

export function createSequence(seed: number, number: number): Sequence {
  const random = createRandom(seedOf(seed, number))
  const begin = random.weighted({ anonymous: 3, ordinary: 4, remembered: 3 })
  const operations = Array.from({ length: 3 + random.below(6) }, () => createOperation(random))
  return { number, begin, operations }
}

function createOperation(random: Random): Operation {
  const kind = random.weighted({ single: 16, parallel: 2, held: 3 })
  if (kind === 'single') return createSingle(random)
  if (kind === 'held') return { kind, held: createVisit(random), by: createSingle(random) }
  // Whichever of them is first, both find the same.
  const reader = (): Visit => ({ ...createVisit(random), steps: pickSteps(random, READING) })
  return { kind, both: [reader(), reader()] }
}

function createSingle(random: Random): Single {
  const kind = random.weighted({ visit: 20, user: 1, logout: 2, login: 2 })
  const cookie = random.weighted({ own: 20, none: 1, forged: 1, ended: 2 })
  if (kind === 'visit') return createVisit(random)
  if (kind === 'login') return { kind, cookie, good: random.chance(0.7), remember: random.chance(0.5) }
  return { kind, cookie }
}

function createVisit(random: Random): Visit {
  const steps = pickSteps(random, random.chance(0.3) ? READING : ANY)
  const method = random.chance(0.1) ? 'HEAD' : 'GET'
  const cookie = random.weighted({ own: 20, none: 1, forged: 1, ended: 2 })
  return { kind: 'visit', method, behind: random.chance(0.6) ? 'guarded' : 'open', steps, cookie }
}

const READING: Partial<Record<Step, number>> = {
  has: 1,
  id: 1,
  read: 3,
  auth: 2,
  stream: 1,
  pause: 1,
  end: 0.5,
  wrap: 1,
  head: 0.5,
  hold: 1,
}

const ANY: Partial<Record<Step, number>> = {
  ...{ ...READING, 'write note': 3, 'write cart': 3, 'delete note': 2, touch: 1 },
  ...{ 'add item': 3, age: 1, ageless: 0.5, 'write held': 1, 'age held': 1, proxy: 1, replace: 0.5 },
  ...{ save: 2, regenerate: 1.5, destroy: 1, reload: 1.5, null: 1, logout: 0.5, end: 1 },
}

/** None at all is the short cut itself. */
function pickSteps(random: Random, weights: Partial<Record<Step, number>>): Step[] {
  const known = weights as Record<Step, number>
  return Array.from({ length: random.below(6) }, () => random.weighted(known))
}
