import { type ChildProcess, fork } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { Redis } from 'ioredis'
import { createRedisRecords } from '../../lib/store/redis-records.ts'
import { resolveOptions } from '../../lib/options/resolve-options.ts'
import { tenantTag } from '../../lib/options/tenant-tag.ts'
import { createSeal } from '../../lib/session/seal.ts'
import { SessionVault } from '../../lib/session/session-vault.ts'
import { startAuth0Emulator } from '../../lib/testing/index.ts'
import { secret } from '../support/app.ts'
import { startRedis } from '../support/redis-server.ts'
import { type Answer, type Asked, createHttpClient } from './http-client.ts'
import type { Clock, Ready } from './instance-process.ts'
import { createRandom } from './random.ts'

const seed = Number(process.env.HISTORY_SEED ?? randomInt(2 ** 31))
/** `npm run test:history` runs 10,000 steps. */
const STEPS = Number(process.env.HISTORY_STEPS ?? 4_000)
const PROCESSES = 3
const SESSIONS = 24
const TOKEN_LIFE = 3600
/** Seconds of the emulator's clock. Only this test moves it, and never between a kill and the next refresh. */
const LEEWAY = 600
/** Maximum milliseconds that a lock may outlive its holder. */
const LONGEST_LOCK = 10_000
/** How many times a process is paused until it loses its lock. Each takes seconds. */
const PAUSES = 2
/** How many times wall clocks go wrong. */
const SKEWS = 4
/** How many logins a revocation overtakes. */
const OVERTAKEN = 6
const users = ['ada', 'bob', 'eve'].map((name) => ({
  ...{ email: `${name}@example.com`, password: `the password of ${name}`, sub: `auth0|${name}` },
}))

interface Session {
  cookie: string
  sub: string
  /** As in Redis keys. */
  key: string
  /** Whether it has a refresh token. */
  remember: boolean
  /** Clock at login. */
  since: number
  /** Last seen version of the token record. */
  version: number
  /** Whether its refresh token was revoked at Auth0, so that the next refresh is refused. */
  refused: boolean
  /** `unsure` means that a process was killed while ending the session. The next check decides. */
  state: 'live' | 'dead' | 'unsure'
}

interface Place {
  child: ChildProcess
  port: number
}

const OPERATIONS = { read: 30, token: 30, write: 15, login: 12, logout: 5, revoke: 3, others: 2 }

describe(`a random history of ${PROCESSES} processes that get killed`, () => {
  it('promises 1 to 5: never ends a live session or revives an ended one', async () => {
    const random = createRandom(seed)
    const redisServer = await startRedis()
    const redis = new Redis(redisServer.url)
    const emulator = await startAuth0Emulator({ users, accessTokenTtl: TOKEN_LIFE, leeway: LEEWAY })
    const http = createHttpClient()
    const folder = await mkdtemp(join(tmpdir(), 'express-auth0-ropg-history-'))
    const bundle = join(folder, 'instance.cjs')
    const entryPoints = [join(__dirname, 'instance-process.ts')]
    await build({ entryPoints, outfile: bundle, bundle: true, platform: 'node', target: 'node20' })

    const lifetime = { idleTimeout: 20_000_000, absoluteTimeout: 30_000_000 }
    const options = {
      ...{ domain: emulator.domain, clientId: emulator.clientId, clientSecret: emulator.clientSecret },
      ...{ redis: redisServer.url, timeouts: { auth0: 10_000, redis: 1000 } },
      session: { secret, prefix: 'history:', ...lifetime, remembered: lifetime },
    }
    let ahead = 0
    const start = async (): Promise<Place> => {
      const child = fork(bundle, { env: { INSTANCE: JSON.stringify({ options, ahead }) }, execArgv: [] })
      const [{ port }] = (await once(child, 'message')) as [Ready]
      return { child, port }
    }
    const places = await Promise.all(Array.from({ length: PROCESSES }, start))
    const sessions: Session[] = []
    const log: string[] = []
    let steps = 0
    let kills = 0
    let skews = 0
    let overtaken = 0

    const send = (asked: Asked): Promise<Answer | undefined> =>
      http.send(random.pick(places).port, asked).catch(() => undefined)

    const isDead = (session: Session) => session.state === 'dead'

    const look = async (session: Session) => {
      const answer = await send({ method: 'GET', path: '/me', cookie: session.cookie })
      if (answer?.status !== 200 && answer?.status !== 401) throw new Error(`/me said ${answer?.status}`)
      const seen = answer.status === 200 ? 'live' : 'dead'
      if (session.state === 'unsure') session.state = seen
      if (seen !== session.state) throw new Error(`a session is ${seen} that should be ${session.state}`)
      if (seen === 'live' && answer.body.sub !== session.sub) throw new Error('a session of another user')
    }

    const prefix = `history:${tenantTag(resolveOptions({ ...options, logger: false }))}:`
    const recordOf = ({ key }: Session) => `${prefix}s:${key}`
    const records = createRedisRecords({
      ...{ client: redis, owned: false, guarded: (call) => call(), prefix, testClock: undefined },
    })
    const seal = createSeal([secret])
    const vault = new SessionVault({ records, seal, prefix })
    const tokensOf = async ({ key }: Session) => {
      const tokens = await vault.tokens(key)
      if (!tokens || tokens === 'sealed') throw new Error(`tokens that are ${tokens ?? 'gone'}`)
      return tokens
    }

    /** Ended sessions leave nothing stored, no version decreases, and no lock stays long. */
    const audit = async () => {
      const values = await Promise.all(sessions.map((session) => redis.hgetall(recordOf(session))))
      for (const [place, session] of sessions.entries()) {
        const fields = Object.keys(values[place]!).sort().join('')
        const value = values[place]!.t
        if (isDead(session) && fields !== '') throw new Error(`a dead session has left ${fields}`)
        if (session.state === 'live' && !value) throw new Error('the tokens of a live session are gone')
        if (fields !== '' && fields !== 'deilst') throw new Error(`half a session is stored: ${fields}`)
        const version = Number(value?.split('.')[0] ?? session.version)
        if (version < session.version) throw new Error(`tokens fell from version ${session.version} to ${version}`)
        session.version = version
      }
      await auditLocks()
    }

    const auditLocks = async () => {
      const locks = await redis.keys('history:*:l:*')
      const left = await Promise.all(locks.map((lock) => redis.pttl(lock)))
      for (const ttl of left) if (ttl === -1 || ttl > LONGEST_LOCK) throw new Error(`a lock has ${ttl} ms to live`)
      return locks.length
    }

    const login = async () => {
      const user = random.pick(users)
      const remember = random.chance(0.7)
      const since = ahead
      const body = { email: user.email, password: user.password, remember_me: remember }
      const answer = await send({ method: 'POST', path: '/auth/login', body })
      if (answer?.status === 200) {
        const cookie = answer.cookie!
        const key = /=s:([^.]+)\./.exec(decodeURIComponent(cookie))![1]!
        sessions.push({ cookie, sub: user.sub, key, remember, since, version: 1, refused: false, state: 'live' })
      } else if (answer !== undefined && answer.status !== 503)
        throw new Error(`login said ${answer.status} ${JSON.stringify(answer.body)}`)
    }

    /** 401 is expected after a logout, after a refused refresh, and after an hour without a refresh token. */
    const mayBeRefused = ({ state, remember, since, refused }: Session) =>
      state !== 'live' || refused || (!remember && since !== ahead)

    const use = async (session: Session, asked: Asked, answerOf = send) => {
      const answer = await answerOf({ ...asked, cookie: session.cookie })
      if (answer === undefined || answer.status === 503) return answer
      if (answer.status === 200 && !(asked.path === '/token' && session.state === 'live' && session.refused))
        return answer
      if (answer.status === 401 && session.state !== 'live') return answer
      if (answer.status === 401 && session.refused) session.state = 'dead'
      else if (answer.status !== 401 || asked.path !== '/token' || !mayBeRefused(session))
        throw new Error(`${asked.path} said ${JSON.stringify(answer)} to a session that is ${JSON.stringify(session)}`)
      return answer
    }
    const askToken = (session: Session, answerOf = send) => use(session, { method: 'GET', path: '/token' }, answerOf)

    const leave = async (session: Session, asked: Asked, done: number) => {
      session.state = 'unsure'
      const answer = await send({ ...asked, cookie: session.cookie })
      if (answer?.status === done) session.state = 'dead'
    }
    const logout = (session: Session) => leave(session, { method: 'POST', path: '/auth/logout' }, 200)

    const revoke = async (session: Session) => {
      const seen = await send({ method: 'GET', path: '/me', cookie: session.cookie })
      const id = seen?.body?.sessionId as string | undefined
      if (id !== undefined) await leave(session, { method: 'DELETE', path: `/auth/sessions/${id}` }, 204)
    }

    const endOthers = async (session: Session, all: Session[]) => {
      const others = all
        .filter(({ sub, state }) => sub === session.sub && state === 'live')
        .filter((s) => s !== session)
      for (const other of others) other.state = 'unsure'
      const answer = await send({ method: 'DELETE', path: '/auth/sessions', cookie: session.cookie })
      if (answer?.status === 204) for (const other of others) other.state = 'dead'
    }

    const setClock = async ({ child }: Place, to: number) => {
      child.send({ ahead: to } satisfies Clock)
      await once(child, 'message')
    }
    const setClocks = (without?: Place) =>
      Promise.all(places.filter((place) => place !== without).map((place) => setClock(place, ahead)))

    const advance = async (without?: Place) => {
      ahead += TOKEN_LIFE * 1000
      emulator.clock.advance(TOKEN_LIFE)
      log.push('clock')
      await setClocks(without)
    }

    const kill = async (place: number) => {
      const { child } = places[place]!
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      await auditLocks()
      places[place] = await start()
      kills++
    }

    /** No refresh is left half done: each session has its token or has ended for a reason. */
    const settle = async () => {
      for (let tries = 0; tries < 10; tries++) {
        const live = sessions.filter(({ state }) => state === 'live')
        const answers = await Promise.all(live.map((session) => askToken(session)))
        if (answers.every((answer) => answer !== undefined && answer.status !== 503)) return
      }
      throw new Error('no token to be had')
    }

    const batch = async () => {
      // A jump expires all access tokens, so that processes can die during a refresh.
      const expired = random.chance(0.07)
      if (expired) await advance()
      const known = sessions.filter(({ state }) => state === 'live')
      const tasks: Promise<unknown>[] = []
      const told: string[] = []
      const ending = new Set<Session>()
      const exclusive = !expired && random.chance(0.05) && known.length > 1
      const killed = random.chance(expired ? 0.4 : 0.04) ? random.below(PROCESSES) : undefined
      const first = known.find(({ remember, refused }) => remember && !refused)
      const gate =
        expired && first ? emulator.hold({ grantType: 'refresh_token', after: random.chance(0.7) }) : undefined
      if (gate && first) {
        const through = killed ?? 0
        tasks.push(askToken(first, (asked) => http.send(places[through]!.port, asked).catch(() => undefined)))
        await gate.arrived
        if (!(await tokensOf(first)).announced) throw new Error('a refresh that nobody announced')
        if ((await auditLocks()) === 0) throw new Error('a refresh without a lock')
        if (killed === undefined && random.chance(0.5)) {
          told.push('leaves')
          ending.add(first)
          await (random.chance(0.5) ? logout : revoke)(first)
        }
      }
      if (exclusive) {
        told.push('others')
        tasks.push(endOthers(random.pick(known), known))
      }
      for (let turn = 0; turn < (exclusive ? 0 : 40); turn++) {
        const name = known.length === 0 || sessions.length < 4 ? 'login' : random.weighted(OPERATIONS)
        told.push(name)
        if (name === 'login' || name === 'others') {
          if (known.length < SESSIONS) tasks.push(login())
          continue
        }
        const session = random.pick(known)
        if ((name === 'logout' || name === 'revoke') && !ending.has(session)) {
          ending.add(session)
          tasks.push((name === 'logout' ? logout : revoke)(session))
        } else {
          const path = name === 'token' ? '/token' : name === 'write' ? '/write' : '/me'
          tasks.push(use(session, { method: name === 'write' ? 'POST' : 'GET', path }))
        }
      }
      if (killed !== undefined) {
        // While responses are pending: after part of the batch.
        if (!gate) await Promise.race(tasks)
        await kill(killed)
        told.push(`kill ${killed}${gate ? ' in mid-refresh' : ''}`)
      }
      gate?.release()
      log.push(told.join(' '))
      await Promise.all(tasks)
      const touched = [
        ...ending,
        ...sessions.filter(({ state }) => state === 'unsure'),
        ...(random.chance(0.3) ? sessions.slice(-40) : []),
      ]
      await Promise.all([...new Set(touched)].map(look))
      // After the check above, because a process killed during a refresh and a logout may leave its session alive.
      if (expired || killed !== undefined) await settle()
      await audit()
      steps += told.length + touched.length
      if (random.chance(0.06)) await jump()
    }

    const jump = async () => {
      await advance()
      // All sessions at once, twice: one refresh for each session that can be refreshed, and none for the others.
      const live = sessions.filter(({ state }) => state === 'live')
      const revoked = random.chance(0.5) ? live.find(({ remember, refused }) => remember && !refused) : undefined
      if (revoked) {
        emulator.refreshTokens.revoke((await tokensOf(revoked)).refreshToken!)
        revoked.refused = true
      }
      emulator.requests.length = 0
      const asked = [...live, ...live].map((session) => askToken(session))
      const answers = await Promise.all(asked)
      const refused = live.filter((session) => session.refused)
      const refreshes = emulator.requests.filter(({ grantType }) => grantType === 'refresh_token')
      const tokens = new Set(answers.map((answer) => answer?.body.accessToken as string | undefined).filter(Boolean))
      if (refreshes.length !== tokens.size + refused.length)
        throw new Error(`${refreshes.length} refreshes for ${tokens.size} tokens and ${refused.length} refusals`)
      await settle()
      // A refused refresh ends the session. One without a refresh token lives on without tokens.
      await Promise.all(live.map(look))
      await audit()
      steps += asked.length + live.length
    }

    /** Single processes' wall clocks are off by an hour. No session ends or escapes its revocation. */
    const skew = async () => {
      const wrong = places.map(() => (random.below(3) - 1) * TOKEN_LIFE * 1000)
      await Promise.all(places.map((place, at) => setClock(place, ahead + wrong[at]!)))
      const known = sessions.filter(({ state }) => state === 'live')
      const before = sessions.length
      const uses = known.map((session) =>
        use(session, random.chance(0.5) ? { method: 'GET', path: '/me' } : { method: 'POST', path: '/write' }),
      )
      await Promise.all([...uses, login(), login()])
      await Promise.all(sessions.filter(({ state }) => state === 'live').map(look))
      const [killer, ...others] = sessions.slice(before)
      if (killer) await endOthers(killer, [...known, ...others])
      const ended = known.filter(({ sub, state }) => killer?.sub === sub && state !== 'live')
      await Promise.all([...ended, ...others].map(look))
      await setClocks()
      // Tokens checked against a wrong clock have expired on every clock.
      await advance()
      await advance()
      await settle()
      await audit()
      log.push(`skew ${wrong.join()}`)
      skews++
      steps += known.length + others.length + 3
    }

    /** The user's other sessions are ended while a login waits for Auth0. The login must not succeed. */
    const overtake = async () => {
      const session = sessions.find(({ state, refused }) => state === 'live' && !refused)
      const user = users.find(({ sub }) => sub === session?.sub)
      if (!session || !user) return
      const held = emulator.hold({ grantType: 'password', after: true })
      const body = { email: user.email, password: user.password, remember_me: true }
      const late = send({ method: 'POST', path: '/auth/login', body })
      await held.arrived
      await endOthers(session, sessions)
      held.release()
      const answer = await late
      if (answer?.status !== 401) throw new Error(`a login that was overtaken got ${answer?.status}`)
      await Promise.all(sessions.filter(({ sub }) => sub === user.sub).map(look))
      await audit()
      log.push('overtaken')
      overtaken++
      steps += 3
    }

    /** A process pauses with Auth0's response pending, loses its lock, and resumes after newer tokens were stored. */
    const pause = async () => {
      const session = sessions.find(({ state, remember, refused }) => state === 'live' && remember && !refused)
      if (!session) return
      const [stopped, other] = places as [Place, Place]
      const through =
        ({ port }: Place) =>
        (asked: Asked) =>
          http.send(port, asked).catch(() => undefined)
      await advance()
      const gate = emulator.hold({ grantType: 'refresh_token', after: true })
      const late = askToken(session, through(stopped))
      await gate.arrived
      stopped.child.kill('SIGSTOP')
      for (let turn = 0; turn < 2; turn++) {
        for (let tries = 0; (await askToken(session, through(other)))?.status !== 200; tries++)
          if (tries === 5) throw new Error('the holder stands still, and nobody takes its place')
        await audit()
        if (turn === 0) await advance(stopped)
      }
      gate.release()
      stopped.child.kill('SIGCONT')
      await setClocks()
      await late
      await settle()
      await audit()
      log.push('pause')
      steps += 6
    }

    /** Spreads this many times over the history. */
    const isDue = (done: number, times: number) => done < times && steps > ((done + 1) * STEPS) / (times + 1)

    try {
      for (let pauses = 0; steps < STEPS;) {
        await batch()
        if (isDue(pauses, PAUSES)) {
          await pause()
          pauses++
        }
        if (isDue(skews, SKEWS)) await skew()
        if (isDue(overtaken, OVERTAKEN)) await overtake()
      }
      await Promise.all(sessions.map(look))
      const keys = await redis.keys('history:*')
      const living = sessions.filter(({ state }) => state === 'live')
      // A login whose process was killed before responding leaves a session whose cookie nobody has.
      const unknown = keys.filter((key) => key.includes(':s:')).length - living.length
      expect(unknown).toBeGreaterThanOrEqual(0)
      expect(unknown).toBeLessThanOrEqual(kills * 40)
      expect(Math.min(kills, skews, overtaken)).toBeGreaterThan(0)
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`${message}\nHISTORY_SEED=${seed} replays it. The last:\n${log.slice(-8).join('\n')}`, { cause })
    } finally {
      process.stderr.write(
        `history of processes: HISTORY_SEED=${seed}, ${steps} steps, ${kills} killed, ${skews} skewed, ${overtaken} overtaken\n`,
      )
      http.close()
      for (const { child } of places) child.kill('SIGKILL')
      redis.disconnect()
      await emulator.close()
      await redisServer.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }, 180_000)
})
