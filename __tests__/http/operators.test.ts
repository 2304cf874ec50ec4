import { describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import request from 'supertest'
import type { Logger, RopgAuth } from '../../lib/index.ts'
import { signIn } from '../../lib/testing/index.ts'
import { ada, startApp } from '../support/app.ts'
import { refusal } from './wire.ts'

const all = (write: Logger['info']): Logger => ({ info: write, warn: write, error: write })

const BROKEN: [string, Logger][] = [
  [
    'throws',
    all(() => {
      throw new Error('the disk is full')
    }),
  ],
  ['rejects', all(() => Promise.reject(new Error('the disk is full')) as unknown as undefined)],
]

describe.each(BROKEN)('a logger that %s', (_, logger) => {
  const buggy = (app: Express, auth: RopgAuth) => {
    app.get('/alone', auth.requireScope('x'), (_req, res) => void res.json({}))
  }

  it('changes no answer', async () => {
    const app = await startApp({
      ...{ store: 'memory', options: { logger }, after: buggy },
      before: (app) => app.set('trust proxy', true),
    })
    await app.login().expect(200)
    await app.login({ ...ada, password: 'wrong' }).expect(401, refusal('invalid_credentials'))
    await request(app.app).get('/alone').expect(500, refusal('configuration_error'))
  })

  it('does not prevent a response to a bug', async () => {
    const before = (app: Express) => {
      app.use((req, _res, next) => {
        Object.defineProperty(req, 'ip', {
          get: () => {
            throw new TypeError('a bug')
          },
        })
        next()
      })
    }
    const app = await startApp({ store: 'memory', options: { logger }, before })
    await app.login().expect(500, refusal('internal_error'))
  })

  it('does not stop an app that listens to events', async () => {
    const onEvent = () => {
      throw new Error('a bug of the listener')
    }
    const app = await startApp({ store: 'memory', options: { logger, onEvent } })
    await app.login().expect(200)
  })
})

describe('session.revoked', () => {
  it.each(['/auth/sessions', '/auth/sessions/:id'])(
    'of DELETE %s contains the caller and the duration',
    async (path) => {
      const app = await startApp({ store: 'memory' })
      const one = await signIn(app.agent(), app.auth, { sub: 'auth0|1' })
      await signIn(app.agent(), app.auth, { sub: 'auth0|1' })
      const { body } = await one.get('/auth/sessions').expect(200)
      const { id } = (body.sessions as { id: string; current: boolean }[]).find(({ current }) => !current)!
      await one.delete(path.replace(':id', id)).set('X-Request-Id', 'req-7').expect(204)
      expect(app.events).toEqual([
        {
          ...{ name: 'session.revoked', sub: 'auth0|1', requestId: 'req-7', ip: '127.0.0.1' },
          ...{ time: expect.any(String), durationMs: expect.any(Number), sessionId: id },
        },
      ])
    },
  )
})
