import { decodeJwt } from 'jose'
import { createRandom, type Random, seedOf } from './random.ts'
import type { Answer, Asked } from './http-client.ts'
import { LEEWAY, LIFETIME, users, type World } from './world.ts'

/** What the model knows about a session. */
interface Known {
  name: string
  cookie: string
  id: string
  sub: string
  handle: string
  remember: boolean
  /** Epoch milliseconds. */
  until: number
  /** `over` means ended by the clock, which revokes nothing at Auth0. */
  state: 'live' | 'dead' | 'over'
  /** Possible values written by the app. */
  notes: (string | undefined)[]
  version: number
  refreshToken: string | undefined
  /** Expiry of the access token in epoch seconds. */
  expiresAt: number
  /** Epoch milliseconds when an Auth0 response with a rotated refresh token was lost. */
  lostAt: number | undefined
  /** Every instance has seen a request since the session ended. */
  seenEnded: boolean
}

/** Steps of a session or of a visitor without one. */
const WEIGHTS = {
  ...{ login: 12, again: 3, token: 28, write: 10, slowWrite: 6, read: 10, touch: 5, list: 4 },
  ...{ logout: 6, revoke: 3, revokeAll: 2, revokeOthers: 2 },
} as const

type Kind = keyof typeof WEIGHTS

interface Step {
  kind: Kind
  /** Undefined for a login without a session. */
  session: Known | undefined
  user: (typeof users)[number]
  instance: number
  remember: boolean
  note: string
  trouble: 'lost' | 'refused' | 'held' | undefined
}

interface Done {
  step: Step
  /** Response of a route. */
  answer?: Answer
  /** Result of a call. */
  result?: unknown
}

const MAKE_DUE = `
if redis.call('EXISTS', KEYS[1]) == 0 then return end
redis.call('HSET', KEYS[1], 's', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
`

const MOST_LIVE = 9
const MOST_STEPS = 12

/** Runs a random history and checks it after each batch of concurrent steps. */
export class History {
  readonly seed: number
  readonly log: string[] = []
  steps = 0
  readonly counts: Partial<Record<string, number>> = {}
  readonly #world: World
  readonly #sessions: Known[] = []
  #batch = 0
  #notes = 0
  /** The clock has moved so far that every instance checks again whether a session needs extending. */
  #isRested = false
  /** Refresh token families that are never revoked, because their session expired. */
  #leaked = 0

  constructor(world: World, seed: number) {
    this.#world = world
    this.seed = seed
  }

  async goOn(): Promise<void> {
    const random = createRandom(seedOf(this.seed, this.#batch++))
    const before = [...(await this.#prepare(random)), ...(await this.#overtake(random))]
    const steps = this.#choose(random)
    this.log.push(`#${this.#batch} ${[...before, ...steps.map(describe)].join(' | ')}`)
    this.steps += before.length + steps.length
    for (const { kind } of steps) this.#count(kind)
    this.#world.network.sent.clear()
    const expired = new Set(this.#live().filter((session) => this.#needsRefresh(session)))
    const done = await this.#run(steps)
    await this.#checkTouched(steps)
    await this.#settle(done, expired)
    await this.#check(random, steps)
  }

  #count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1
  }

  #live(): Known[] {
    return this.#sessions.filter(({ state }) => state === 'live')
  }

  #needsRefresh({ expiresAt, remember }: Known): boolean {
    return remember && expiresAt < this.#world.now() / 1000 + 30
  }

  /** Steps that run alone. */
  async #prepare(random: Random): Promise<string[]> {
    const { redis, instances } = this.#world
    const told: string[] = []
    const jump = random.chance(0.4)
      ? random.weighted({ '7': 6, '25': 3, '70': 4, '3601': 14, '90000': 0.4 })
      : undefined
    this.#isRested = Number(jump ?? 0) >= 70
    if (jump !== undefined) {
      this.#world.advance(Number(jump))
      told.push(`clock +${jump} s`)
    }
    if (redis && random.chance(0.1)) {
      await redis.script('FLUSH')
      told.push('SCRIPT FLUSH')
    }
    if (redis && random.chance(0.01)) {
      const place = random.below(instances.length)
      await this.#world.restart(place)
      told.push(`restart ${place}`)
    }
    for (const name of told) this.#count(name.split(' ')[0]!)
    for (const session of this.#live()) {
      if (session.until > this.#world.now()) continue
      session.state = 'over'
      expect(`${session.name}, whose time is over,`, (await this.#ask(0, session)).status, 401)
      // Redis expires keys by its own clock.
      await redis?.del(this.#world.keyOf(session.id))
      if (session.remember) this.#leaked += 1
    }
    return told
  }

  /** All sessions of a user are revoked while a login waits for Auth0. The login must not succeed. */
  async #overtake(random: Random): Promise<string[]> {
    if (!random.chance(0.05)) return []
    const { emulator, instances, http } = this.#world
    const [user, remember] = [random.pick(users), random.chance(0.8)]
    const [here, there] = [random.pick(instances), random.pick(instances)]
    const theirs = this.#live().filter(({ sub }) => sub === user.sub)
    const spared = theirs.length > 0 && random.chance(0.7) ? random.pick(theirs) : undefined
    const held = emulator.hold({ grantType: 'password', after: true })
    const body = { email: user.email, password: user.password, remember_me: remember }
    const login = http.send(here.port, { method: 'POST', path: '/auth/login', body })
    await held.arrived
    const ended = await there.auth.sessions.revokeAll(user.sub, spared ? { except: spared.handle } : {})
    held.release()
    expect(`sessions of ${user.name} that were revoked`, ended, theirs.length - (spared ? 1 : 0))
    expect(`a login of ${user.name} that was overtaken`, (await login).status, 401)
    for (const session of theirs) if (session !== spared) session.state = 'dead'
    this.#count('overtaken')
    return [`overtaken ${user.name}`]
  }

  #choose(random: Random): Step[] {
    // Prefers a few sessions, so that steps of one session overlap.
    const live = this.#live()
    const stage = live.length ? Array.from({ length: 2 }, () => random.pick(live)) : []
    const gone = this.#sessions.filter(({ state }) => state !== 'live').slice(-20)
    const size = 1 + random.below(MOST_STEPS)
    const steps = Array.from({ length: size }, () => this.#chooseStep(random, { live, stage, gone }))
    // At most one fault per session and batch, so that the model can predict the result.
    const troubled = new Set<Known>()
    return steps.map((step) => {
      if (!step.trouble || !step.session) return step
      if (troubled.has(step.session)) return { ...step, trouble: undefined }
      troubled.add(step.session)
      return step
    })
  }

  #chooseStep(random: Random, among: { live: Known[]; stage: Known[]; gone: Known[] }): Step {
    const { live, stage, gone } = among
    const wanted = random.weighted(WEIGHTS)
    const crowded = live.length >= MOST_LIVE && wanted === 'login'
    const kind = live.length === 0 ? 'login' : crowded ? 'logout' : wanted
    const pool = random.chance(0.06) && gone.length ? gone : random.chance(0.75) ? stage : live
    const session = kind === 'login' ? undefined : random.pick(pool)
    const trouble = random.chance(0.3) ? random.pick(['lost', 'refused', 'held'] as const) : undefined
    const user = users.find(({ sub }) => sub === session?.sub) ?? random.pick(users)
    return {
      ...{ kind, session, user },
      instance: random.below(this.#world.instances.length),
      remember: random.chance(0.8),
      note: `note-${++this.#notes}`,
      trouble: kind === 'token' || ((kind === 'login' || kind === 'again') && random.chance(0.1)) ? trouble : undefined,
    }
  }

  /** Runs all steps concurrently. Delayed responses continue when the others are done. */
  async #run(steps: Step[]): Promise<Done[]> {
    const { gates, network } = this.#world
    let open: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    for (const step of steps) this.#makeTrouble(step, gate)
    const isFree = ({ kind }: Step) => kind !== 'token' && kind !== 'slowWrite'
    const running = steps.map((step) => this.#take(step))
    await Promise.allSettled(running.filter((_, place) => isFree(steps[place]!)))
    open()
    const done = await Promise.all(running)
    gates.clear()
    network.held.clear()
    return done
  }

  #makeTrouble(step: Step, gate: Promise<void>): void {
    const { kind, session, note, trouble, user } = step
    const { gates, network } = this.#world
    if (kind === 'slowWrite') gates.set(note, gate)
    if (kind === 'login' || kind === 'again') {
      if (trouble === 'lost') network.lostLogins.add(user.email)
      return
    }
    if (!trouble) return
    const token = session?.refreshToken
    if (token === undefined || session?.state !== 'live' || !this.#needsRefresh(session) || this.#isTooLate(session)) {
      step.trouble = undefined
      return
    }
    if (trouble === 'held') network.held.set(token, gate)
    else network[trouble].add(token)
    this.#count(trouble)
  }

  /** The refresh token was spent long ago and its replacement was lost. Allows a few seconds of real time. */
  #isTooLate({ lostAt }: Known): boolean {
    return lostAt !== undefined && this.#world.now() - lostAt > (LEEWAY - 2) * 1000
  }

  async #take(step: Step): Promise<Done> {
    const { session, instance, user, remember } = step
    const { auth, port } = this.#world.instances[instance]!
    const send = async (asked: Asked): Promise<Done> => ({ step, answer: await this.#world.http.send(port, asked) })
    const cookie = session?.cookie
    const credentials = { email: user.email, password: user.password, remember_me: remember }
    switch (step.kind) {
      case 'login':
      case 'again':
        return send({ method: 'POST', path: '/auth/login', cookie, body: credentials })
      case 'token':
        return send({ method: 'GET', path: '/token', cookie })
      case 'write':
      case 'slowWrite':
        return send({ method: 'POST', path: `/write/${step.note}`, cookie })
      case 'touch':
        await this.#makeDue(session!)
        return send({ method: 'GET', path: '/me', cookie })
      case 'read':
        return send({ method: 'GET', path: '/me', cookie })
      case 'list':
        return send({ method: 'GET', path: '/auth/sessions', cookie })
      case 'logout':
        return send({ method: 'POST', path: '/auth/logout', cookie })
      case 'revokeOthers':
        return send({ method: 'DELETE', path: '/auth/sessions', cookie })
      case 'revoke':
        return { step, result: await auth.sessions.revoke(user.sub, session!.handle) }
      case 'revokeAll':
        return { step, result: await auth.sessions.revokeAll(user.sub, { except: session!.handle }) }
    }
  }

  /** Makes the session's extension due. Must not create the key, because the session may have ended. */
  async #makeDue({ id, remember }: Known): Promise<void> {
    const [key, seen] = [this.#world.keyOf(id), Math.floor(this.#world.now() - 90_000)]
    const left = (remember ? LIFETIME.remembered : LIFETIME.ordinary) * 1000 - 90_000
    await this.#world.redis?.eval(MAKE_DUE, 1, key, seen, left)
  }

  /** A due session is extended by a single request after a pause. */
  async #checkTouched(steps: Step[]): Promise<void> {
    if (!this.#world.redis || !this.#isRested) return
    for (const { kind, session } of steps) {
      const isAlone = steps.filter((step) => step.session === session).length === 1
      if (kind !== 'touch' || !isAlone || session?.state !== 'live') continue
      const seen = Number(await this.#world.redis.hget(this.#world.keyOf(session.id), 's'))
      // Zero if another step has ended it.
      if (seen !== 0 && seen < this.#world.now() - 60_000) throw new Error(`${session.name} was not extended`)
    }
  }

  /** Updates the model from the responses of a batch. */
  async #settle(done: Done[], expired: Set<Known>): Promise<void> {
    const began: Known[] = []
    const written = new Map<Known | undefined, (string | undefined)[]>()
    for (const { step } of done) {
      if (!step.kind.toLowerCase().endsWith('write')) continue
      written.set(step.session, [...(written.get(step.session) ?? []), step.note])
    }
    for (const { step, answer } of done) {
      if (step.kind !== 'login' && step.kind !== 'again') continue
      // Two identical concurrent logins of one browser share a session.
      if (answer?.status === 200 && began.some(({ id }) => id === idOf(answer))) continue
      if (answer?.status === 200) {
        const session = this.#remember(step, answer)
        // A login over a session of the same user keeps the app's data.
        if (step.session) session.notes.push(...step.session.notes, ...(written.get(step.session) ?? []))
        began.push(session)
      } else if (answer?.status === 401 && isOvertaken(step.user.sub, done)) this.#count('overtaken')
      else {
        expect(`login ${step.user.name}`, answer?.status, 503)
      }
    }
    this.#world.network.lostLogins.clear()
    const killers = done.filter(isKiller)
    const old = this.#live().filter((session) => !began.includes(session))
    const isShaken = ({ kind, trouble }: Step) => kind === 'token' && (trouble === 'lost' || trouble === 'refused')
    const shaken = new Set(done.flatMap(({ step }) => (isShaken(step) ? [step.session] : [])))
    const killed = new Set(old.filter((session) => killers.some((killer) => ends(killer, session))))
    for (const session of killed) session.state = 'dead'
    await Promise.all(began.map((session) => this.#introduce(session, killers)))
    for (const one of done) this.#judge(one, { killed, shaken })
    await Promise.all([...expired].map((session) => this.#followRefresh(session, done)))
    for (const list of [this.#world.network.lost, this.#world.network.refused]) list.clear()
  }

  #remember({ user, remember }: Step, answer: Answer): Known {
    const { cookie = '' } = answer
    const id = idOf(answer)
    const lifetime = remember ? LIFETIME.remembered : LIFETIME.ordinary
    const session: Known = {
      ...{ name: `s${this.#sessions.length}`, cookie, id, sub: user.sub, handle: 'unknown', remember, state: 'live' },
      ...{ until: this.#world.now() + lifetime * 1000, notes: [undefined], version: 0, refreshToken: undefined },
      ...{ expiresAt: 0, lostAt: undefined, seenEnded: false },
    }
    this.#sessions.push(session)
    return session
  }

  /** Ending all sessions of a user may or may not include a session that has just started. */
  async #introduce(session: Known, killers: Done[]): Promise<void> {
    const mayBeDead = isOvertaken(session.sub, killers)
    const { status, body } = await this.#ask(0, session)
    if (mayBeDead && status === 401) {
      session.state = 'dead'
      return
    }
    expect(`the new session ${session.name}`, status, 200)
    session.handle = body.sessionId
    await this.#lookInto(session)
  }

  #judge({ step, answer }: Done, { killed, shaken }: Judgement): void {
    const { session, kind } = step
    if (!session || !answer || kind === 'logout' || kind === 'again') return
    const what = `${kind} of ${session.name}`
    const allowed = new Set<number>()
    if (session.state !== 'live') allowed.add(401)
    if (session.state === 'live' || killed.has(session)) allowed.add(kind === 'revokeOthers' ? 204 : 200)
    if (kind === 'token' && allowed.has(200)) {
      for (const status of this.#tokenStatuses(session, shaken)) allowed.add(status)
      if (answer.status === 200) this.#judgeToken(session, answer)
    }
    expectOne(what, answer.status, allowed)
    if (answer.status === 200 && kind === 'list') {
      const current = answer.body.sessions.filter((listed: { current: boolean }) => listed.current)
      if (!killed.has(session)) expect(`sessions called current in the ${what}`, current.length, 1)
    }
    if (answer.status === 200 && kind.toLowerCase().endsWith('write')) {
      const rivals = session.notes.filter((note) => note !== undefined && isRecent(note, this.#notes))
      session.notes = [...rivals, step.note]
    }
  }

  /** Allowed statuses other than 200. */
  #tokenStatuses(session: Known, shaken: Judgement['shaken']): number[] {
    const isOld = session.expiresAt < this.#world.now() / 1000 + 30
    if (!session.remember) return isOld ? [401] : []
    return [...(shaken.has(session) ? [503] : []), ...(this.#isTooLate(session) ? [401] : [])]
  }

  #judgeToken(session: Known, { body }: Answer): void {
    expect(`the subject of the token of ${session.name}`, decodeJwt(body.accessToken as string).sub, session.sub)
    if (body.expiresAt < this.#world.now() / 1000 + (session.remember ? 25 : 0))
      throw new Error(`${session.name} got a token that has expired`)
  }

  /** After a batch that required a refresh: how often it happened and what the result was. */
  async #followRefresh(session: Known, done: Done[]): Promise<void> {
    const { network } = this.#world
    const old = session.refreshToken!
    const asked = network.sent.get(old) ?? 0
    const mine = done.filter(({ step }) => step.session === session && step.kind === 'token')
    const troubles = mine.filter(({ step }) => step.trouble === 'lost' || step.trouble === 'refused').length
    const failed = Math.min(troubles, asked)
    if (asked > 1 + failed) throw new Error(`${session.name} was refreshed ${asked} times with ${troubles} troubles`)
    const isLost = mine.some(({ step }) => step.trouble === 'lost') && asked > 0 && !network.lost.has(old)
    if (session.state !== 'live') return
    const record = await this.#world.tokensOf(session.id)
    if (!record) {
      if (!this.#isTooLate(session) || asked === 0) throw new Error(`${session.name} has lost its tokens`)
      session.state = 'dead'
      this.#count('too late')
      return
    }
    if (isLost && record.refreshToken === old) session.lostAt ??= this.#world.now()
    if (record.refreshToken !== old) {
      session.lostAt = undefined
      this.#count('refreshed')
    }
    const served = mine.some(({ answer }) => answer?.status === 200)
    if (served && record.refreshToken === old) throw new Error(`${session.name} got a token that was not stored`)
  }

  async #check(random: Random, steps: Step[]): Promise<void> {
    const touched = new Set(steps.flatMap(({ session }) => (session ? [session] : [])))
    const some = this.#sessions.length ? [random.pick(this.#sessions)] : []
    const all = this.#batch % 50 === 0 ? this.#sessions.slice(-40) : []
    const looked = new Set([...touched, ...some, ...all])
    await Promise.all([...looked].map((session) => this.#checkSession(session, random.below(1000))))
    await this.#checkUsers(new Set([...looked].map(({ sub }) => sub)))
    await this.#checkFamilies()
  }

  async #checkSession(session: Known, draw: number): Promise<void> {
    const { instances } = this.#world
    if (session.state === 'live') {
      const { status, body } = await this.#ask(draw % instances.length, session)
      expect(`${session.name}, which is live,`, status, 200)
      expect(`the user of ${session.name}`, [body.sub, body.sessionId].join(), [session.sub, session.handle].join())
      expectOne(`the note of ${session.name}`, body.note, new Set(session.notes))
      session.notes = [body.note]
      await this.#lookInto(session)
      return
    }
    // Checked on every instance right after the end, later on random ones.
    const places = session.seenEnded ? [draw % instances.length] : instances.keys()
    session.seenEnded = true
    const answers = await Promise.all(Array.from(places, (place) => this.#ask(place, session)))
    for (const { status } of answers) expect(`${session.name}, which is ${session.state},`, status, 401)
    if (session.state === 'over') return
    if (await this.#world.hasRecord(session.id)) throw new Error(`${session.name} has left its record`)
  }

  async #ask(place: number, { cookie }: Known): Promise<Answer> {
    return this.#world.http.send(this.#world.instances[place]!.port, { method: 'GET', path: '/me', cookie })
  }

  /** Tokens only get newer, and Auth0 accepts the refresh token. */
  async #lookInto(session: Known): Promise<void> {
    const record = await this.#world.tokensOf(session.id)
    if (!record) throw new Error(`${session.name} has no tokens`)
    if (record.version < session.version) throw new Error(`${session.name} went back to version ${record.version}`)
    const changed = record.refreshToken !== session.refreshToken
    if (changed && record.version === session.version) throw new Error(`${session.name} changed without a new version`)
    expect(`whether ${session.name} has a refresh token`, record.refreshToken !== undefined, session.remember)
    if (record.refreshToken !== undefined && session.lostAt === undefined) {
      expect(
        `the refresh token of ${session.name}`,
        this.#world.emulator.refreshTokens.isActive(record.refreshToken),
        true,
      )
    }
    const { version, refreshToken, tokenSets } = record
    Object.assign(session, { version, refreshToken, expiresAt: Math.max(...tokenSets.map((set) => set.expiresAt)) })
  }

  async #checkUsers(subs: Set<string>): Promise<void> {
    const { auth } = this.#world.instances[this.#batch % this.#world.instances.length]!
    for (const sub of subs) {
      const listed = (await auth.sessions.list(sub)).map(({ id }) => id).sort()
      const known = this.#live().filter((session) => session.sub === sub)
      expect(
        `the list of ${sub}`,
        listed.join(),
        known
          .map(({ handle }) => handle)
          .sort()
          .join(),
      )
    }
  }

  /** All other refresh tokens are revoked in the background. */
  async #checkFamilies(): Promise<void> {
    const held = this.#live().filter(({ remember }) => remember).length
    const { emulator, network } = this.#world
    const count = () => emulator.refreshTokens.families() - network.orphans()
    const deadline = Date.now() + 2_000
    while (count() !== held + this.#leaked && Date.now() < deadline) await new Promise((go) => setTimeout(go, 2))
    expect('the count of families of refresh tokens', count(), held + this.#leaked)
  }
}

interface Judgement {
  killed: Set<Known>
  /** Sessions with a fault on the way to Auth0. */
  shaken: Set<Known | undefined>
}

/** Whether the batch ends the sessions of a user. */
function isOvertaken(sub: string, done: Done[]): boolean {
  return done.some(({ step: { kind, user } }) => (kind === 'revokeAll' || kind === 'revokeOthers') && user.sub === sub)
}

/** Whether the step, given its response, ends sessions. */
function isKiller({ step: { kind }, answer, result }: Done): boolean {
  if (kind === 'logout' || kind === 'again') return answer?.status === 200
  if (kind === 'revokeOthers') return answer?.status === 204
  return kind === 'revoke' ? result === true : kind === 'revokeAll'
}

function idOf({ cookie = '' }: Answer): string {
  const value = decodeURIComponent(cookie.split('=')[1] ?? '')
  return value.slice(2).split('.')[0]!
}

function ends({ step: { kind, session: by, user } }: Done, session: Known): boolean {
  if (kind === 'revokeAll' || kind === 'revokeOthers') return session.sub === user.sub && session !== by
  return session === by
}

function describe({ kind, session, user, instance, trouble, remember }: Step): string {
  const who = session?.name ?? `${user.name}${remember ? ' remembered' : ''}`
  return `${kind} ${who} @${instance}${trouble ? ` (${trouble})` : ''}`
}

/** Possible values written within this batch. */
function isRecent(note: string, count: number): boolean {
  return Number(note.split('-')[1]) > count - MOST_STEPS
}

function expect(what: string, got: unknown, wanted: unknown): void {
  if (got !== wanted) throw new Error(`${what}: expected ${String(wanted)}, got ${String(got)}`)
}

function expectOne(what: string, got: unknown, wanted: Set<unknown>): void {
  if (!wanted.has(got))
    throw new Error(`${what}: expected one of ${[...wanted].map(String).join()}, got ${String(got)}`)
}
