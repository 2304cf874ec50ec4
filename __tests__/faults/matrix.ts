import { setTimeout as wait } from 'node:timers/promises'
import type { App } from './app.ts'
import { begin, type Fault } from './faults.ts'
import { ask, askPatiently, type Answer, type Column, COLUMNS } from './requests.ts'
import { DEADLINES, type Part, prepare, type Sessions, startWorld, type World } from './world.ts'

export interface Cell {
  /** Distinct statuses. */
  statuses: number[]
  /** Milliseconds of the slowest response. */
  worst: number
  /** Milliseconds from the end of the fault to the first correct response. */
  recovery: number
}

export interface Row {
  part: Part
  fault: Fault
  cells: Record<Column, Cell>
  /** Descriptions of broken rules. */
  broken: string[]
}

/** Requests of each kind during the fault: half of them concurrent, the others sequential. */
const REQUESTS = 6
/** Milliseconds that a response may exceed its deadline. */
const TOLERANCE = 500
/** Milliseconds until a recovered part must be noticed. */
const PATIENCE = 5000

export async function runRow(part: Part, fault: Fault): Promise<Row> {
  const world = await startWorld()
  try {
    return await observe(world, part, fault)
  } finally {
    await world.close()
  }
}

async function observe(world: World, part: Part, fault: Fault): Promise<Row> {
  let app = await world.startApp()
  const sessions = await prepare(world, app.url, REQUESTS + 1)
  const atBoot = fault === 'absent at boot'
  if (atBoot) await app.stop()
  const end = await begin(world, part, fault)
  if (atBoot) app = await world.startApp()
  const answers = await askAll(app, sessions)
  await end()
  const recovery = await recover(app, sessions)
  const lost = await losses(app, sessions, answers)
  const { complaints } = await app.stop()
  const cells = cellsOf(answers, recovery)
  return { part, fault, cells, broken: [...rulesBroken(part, answers, cells), ...lost, ...complaints] }
}

type Answers = Record<Column, Answer[]>

async function askAll({ url }: App, sessions: Sessions): Promise<Answers> {
  const answers: Answers = { login: [], protected: [], expired: [], public: [], logout: [] }
  const one = async (column: Column, place: number) => {
    answers[column][place] = await ask(url, column, cookiesOf(sessions, column)[place])
  }
  const half = REQUESTS / 2
  const places = Array.from({ length: half }, (_, place) => place)
  await Promise.all(COLUMNS.flatMap((column) => places.map((place) => one(column, place))))
  for (const place of places) for (const column of COLUMNS) await one(column, half + place)
  return answers
}

function cookiesOf({ alive, expired, leaving }: Sessions, column: Column): string[] {
  if (column === 'expired') return expired
  return column === 'logout' ? leaving : column === 'login' ? [] : alive
}

/** Repeats all requests until the responses are correct, with sessions not used during the fault. */
async function recover({ url }: App, sessions: Sessions): Promise<Record<Column, number>> {
  const since = performance.now()
  const untilWell = async (column: Column) => {
    for (;;) {
      const { status } = await ask(url, column, cookiesOf(sessions, column)[REQUESTS])
      const took = performance.now() - since
      if (status === 200 || took > PATIENCE) return [column, took]
      await wait(10)
    }
  }
  return Object.fromEntries(await Promise.all(COLUMNS.map(untilWell))) as Record<Column, number>
}

/** No acknowledged data and no refresh token may be lost. */
async function losses({ url }: App, sessions: Sessions, answers: Answers): Promise<string[]> {
  const lost: string[] = []
  const expect = async (column: Column, cookie: string | undefined, status: number) => {
    const answer = await askPatiently(url, column, cookie)
    if (answer.status !== status) lost.push(`${column} was answered ${String(answer.status)} after the fault`)
  }
  for (const { status, cookie } of answers.login) if (status === 200) await expect('protected', cookie, 200)
  for (const cookie of sessions.alive) await expect('protected', cookie, 200)
  for (const cookie of sessions.expired) await expect('expired', cookie, 200)
  for (const [place, { status }] of answers.logout.entries()) {
    if (status === 200) await expect('protected', sessions.leaving[place], 401)
  }
  return lost
}

function cellsOf(answers: Answers, recovery: Record<Column, number>): Row['cells'] {
  const cells = COLUMNS.map((column) => {
    const statuses = [...new Set(answers[column].map(({ status }) => status))].sort()
    const worst = Math.max(...answers[column].map(({ took }) => took))
    return [column, { statuses, worst, recovery: recovery[column] }]
  })
  return Object.fromEntries(cells) as Row['cells']
}

/** Requests that need a part answer 503 in time while it is down. All others are unaffected. */
function rulesBroken(part: Part, answers: Answers, cells: Row['cells']): string[] {
  const needed: readonly Column[] =
    part === 'redis' ? ['login', 'protected', 'expired', 'logout'] : ['login', 'expired']
  return COLUMNS.flatMap((column) => {
    const allowed = needed.includes(column) ? [200, 503] : [200]
    const { statuses, worst, recovery } = cells[column]
    const refused = answers[column].filter(({ status }) => status === 503)
    return [
      ...statuses.filter((status) => !allowed.includes(status)).map((status) => `${column}: status ${String(status)}`),
      ...(worst > DEADLINES[part] + TOLERANCE ? [`${column}: an answer took ${worst.toFixed()} ms`] : []),
      ...(recovery > PATIENCE ? [`${column}: no recovery within ${String(PATIENCE)} ms`] : []),
      ...(refused.some(({ retryAfter }) => retryAfter === null) ? [`${column}: a 503 without Retry-After`] : []),
      ...(column === 'logout' && refused.some(({ clears }) => !clears) ? ['logout: a 503 that keeps the cookie'] : []),
    ]
  })
}
