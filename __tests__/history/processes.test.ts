import { type ChildProcess, fork } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { Redis } from 'ioredis'
import { startAuth0Emulator } from '../../lib/testing/index.ts'
import { secret } from '../support/app.ts'
import { startRedis } from '../support/redis-server.ts'
import { type Answer, type Asked, createHttpClient } from './http-client.ts'
import type { Clock, Ready } from './instance-process.ts'
import { createRandom } from './random.ts'

const seed = Number(process.env.HISTORY_SEED ?? randomInt(2 ** 31))
const STEPS = Number(process.env.HISTORY_STEPS ?? 10_000)
const PROCESSES = 3
const SESSIONS = 24
const TOKEN_LIFE = 3600
const users = ['ada', 'bob', 'eve'].map((name) => ({
  ...{ email: `${name}@example.com`, password: `the password of ${name}`, sub: `auth0|${name}` },
}))

interface Session {
  cookie: string
  sub: string
  /** `unsure`: a process was killed while it ended the session; the next look decides, once and for all. */
  state: 'live' | 'dead' | 'unsure'
}

interface Place {
  child: ChildProcess
  port: number
}

const OPERATIONS = { read: 30, token: 30, write: 15, login: 12, logout: 8, others: 2 }

describe(`a random history of ${PROCESSES} processes that get killed`, () => {
  it('promises 1 to 5: ends nobody by accident and brings nobody back', async () => {
    const random = createRandom(seed)
    const redisServer = await startRedis()
    const redis = new Redis(redisServer.url)
    // Long enough for the successor of a killed process: what Auth0 has rotated for it is not lost.
    const emulator = await startAuth0Emulator({ users, accessTokenTtl: TOKEN_LIFE, leeway: 10_000_000 })
    const http = createHttpClient()
    const folder = await mkdtemp(join(tmpdir(), 'express-auth0-ropg-history-'))
    const bundle = join(folder, 'instance.cjs')
    const entryPoints = [join(__dirname, 'instance-process.ts')]
    await build({ entryPoints, outfile: bundle, bundle: true, platform: 'node', target: 'node20' })

    const lifetime = { idleTimeout: 20_000_000, absoluteTimeout: 30_000_000 }
    const options = {
      ...{ domain: emulator.domain, clientId: emulator.clientId, clientSecret: emulator.clientSecret },
      ...{ redis: redisServer.url, timeouts: { auth0: 5000, redis: 3000 } },
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

    const send = (asked: Asked): Promise<Answer | undefined> =>
      http.send(random.pick(places).port, asked).catch(() => undefined)

    const look = async (session: Session) => {
      const answer = await send({ method: 'GET', path: '/me', cookie: session.cookie })
      if (answer?.status !== 200 && answer?.status !== 401) throw new Error(`/me said ${answer?.status}`)
      const seen = answer.status === 200 ? 'live' : 'dead'
      if (session.state === 'unsure') session.state = seen
      if (seen !== session.state) throw new Error(`a session is ${seen} that should be ${session.state}`)
      if (seen === 'live' && answer.body.sub !== session.sub) throw new Error('a session of another user')
    }

    const login = async () => {
      const user = random.pick(users)
      const body = { email: user.email, password: user.password, remember_me: random.chance(0.7) }
      const answer = await send({ method: 'POST', path: '/auth/login', body })
      if (answer?.status === 200) sessions.push({ cookie: answer.cookie!, sub: user.sub, state: 'live' })
      else if (answer !== undefined) throw new Error(`login said ${answer.status} ${JSON.stringify(answer.body)}`)
    }

    const use = async (session: Session, asked: Asked) => {
      const before = session.state
      const answer = await send({ ...asked, cookie: session.cookie })
      // Ended by this very batch, or without a refresh token and past its hour.
      if (answer?.status === 401 && (session.state !== 'live' || asked.path === '/token')) return
      if (answer === undefined || answer.status === 200 || answer.status === 503) return
      throw new Error(`${asked.path} said ${answer.status} to a session that was ${before}`)
    }

    const logout = async (session: Session) => {
      session.state = 'unsure'
      const answer = await send({ method: 'POST', path: '/auth/logout', cookie: session.cookie })
      if (answer?.status === 200) session.state = 'dead'
    }

    const endOthers = async (session: Session, all: Session[]) => {
      const others = all
        .filter(({ sub, state }) => sub === session.sub && state === 'live')
        .filter((s) => s !== session)
      for (const other of others) other.state = 'unsure'
      const answer = await send({ method: 'DELETE', path: '/auth/sessions', cookie: session.cookie })
      if (answer?.status === 204) for (const other of others) other.state = 'dead'
    }

    const batch = async () => {
      const known = sessions.filter(({ state }) => state === 'live')
      const tasks: Promise<void>[] = []
      const told: string[] = []
      const ending = new Set<Session>()
      const exclusive = random.chance(0.05) && known.length > 1
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
        if (name === 'logout' && !ending.has(session)) {
          ending.add(session)
          tasks.push(logout(session))
        } else {
          const [method, path] = (
            {
              read: ['GET', '/me'],
              token: ['GET', '/token'],
              write: ['POST', '/write'],
              logout: ['GET', '/me'],
            } as const
          )[name]
          tasks.push(use(session, { method, path }))
        }
      }
      const killed = random.chance(0.12) ? random.below(PROCESSES) : undefined
      if (killed !== undefined) {
        // With answers on their way: after some of the batch, before the rest.
        await Promise.race(tasks)
        const { child } = places[killed]!
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
        places[killed] = await start()
        kills++
        told.push(`kill ${killed}`)
      }
      log.push(told.join(' '))
      await Promise.all(tasks)
      const touched = [
        ...ending,
        ...(random.chance(0.3) ? sessions.slice(-40) : sessions.filter((s) => s.state === 'unsure')),
      ]
      await Promise.all([...new Set(touched)].map(look))
      steps += told.length + touched.length
      if (random.chance(0.1)) await jump()
    }

    const jump = async () => {
      ahead += TOKEN_LIFE * 1000
      emulator.clock.advance(TOKEN_LIFE)
      const clock: Clock = { ahead }
      await Promise.all(places.map(({ child }) => (child.send(clock), once(child, 'message'))))
      log.push('clock')
      // Everybody at once, twice: one refresh for each session that can be refreshed, and none for the others.
      const live = sessions.filter(({ state }) => state === 'live')
      emulator.requests.length = 0
      const asked = [...live, ...live].map((session) => send({ method: 'GET', path: '/token', cookie: session.cookie }))
      const answers = await Promise.all(asked)
      const refreshes = emulator.requests.filter(({ grantType }) => grantType === 'refresh_token')
      const tokens = new Set(answers.map((answer) => answer?.body.accessToken as string | undefined).filter(Boolean))
      if (refreshes.length !== tokens.size) throw new Error(`${refreshes.length} refreshes for ${tokens.size} tokens`)
      steps += asked.length
    }

    try {
      while (steps < STEPS) await batch()
      await Promise.all(sessions.map(look))
      const keys = await redis.keys('history:*')
      const living = sessions.filter(({ state }) => state === 'live')
      // A login whose process was killed before it answered leaves a session that nobody has the cookie of.
      const unknown = keys.filter((key) => key.includes(':s:')).length - living.length
      expect(unknown).toBeGreaterThanOrEqual(0)
      expect(unknown).toBeLessThanOrEqual(kills * 40)
      expect(kills).toBeGreaterThan(0)
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`${message}\nHISTORY_SEED=${seed} replays it. The last:\n${log.slice(-8).join('\n')}`, { cause })
    } finally {
      process.stderr.write(`history of processes: HISTORY_SEED=${seed}, ${steps} steps, ${kills} killed\n`)
      http.close()
      for (const { child } of places) child.kill('SIGKILL')
      redis.disconnect()
      await emulator.close()
      await redisServer.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }, 180_000)
})
