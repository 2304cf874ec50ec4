import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { context, metrics, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { ada, startApp } from './support/app.ts'

const spans = new InMemorySpanExporter()
const exported = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter: exported, exportIntervalMillis: 1_000_000 })
const meters = new MeterProvider({ readers: [reader] })

const API = 'https://api.example.com'
const wrong = { email: ada.email, password: 'wrong' }

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
  metrics.setGlobalMeterProvider(meters)
})

afterAll(async () => {
  await meters.shutdown()
  trace.disable()
  metrics.disable()
  context.disable()
})

describe('with the SDK of OpenTelemetry', () => {
  it('a login is a span, with those of its calls to Auth0 and the store below it', async () => {
    spans.reset()
    const app = await startApp()

    await app.login().expect(200)

    const finished = spans.getFinishedSpans()
    const login = finished.find(({ name }) => name === 'auth.login')
    const below = finished.filter(({ parentSpanContext }) => parentSpanContext?.spanId === login?.spanContext().spanId)
    expect(login?.instrumentationScope.name).toBe('express-auth0-ropg')
    const grant = below.find(({ attributes }) => attributes['url.path'] === '/oauth/token')
    expect(grant?.attributes).toEqual({
      'http.request.method': 'POST',
      'server.address': '127.0.0.1',
      'url.path': '/oauth/token',
    })
    expect(below.some(({ attributes }) => attributes['db.system.name'] === 'redis')).toBe(true)
  })

  it('a refused login is a span with the error code, and neither password nor username', async () => {
    spans.reset()
    const app = await startApp()

    await app.login(wrong).expect(401)

    const login = spans.getFinishedSpans().find(({ name }) => name === 'auth.login')
    expect(login?.attributes).toEqual({ 'error.type': 'invalid_credentials' })
    const all = JSON.stringify(
      spans.getFinishedSpans().map(({ name, attributes, events }) => [name, attributes, events]),
    )
    expect(all).not.toContain('wrong')
    expect(all).not.toContain(ada.email)
  })

  it('counts logins and refreshes by outcome, and times the store and the lock', async () => {
    const app = await startApp({
      options: { audience: API, scope: 'openid offline_access', rateLimit: { subnet: { limit: 1, windowMs: 60_000 } } },
      emulator: { accessTokenTtl: 1 },
      after: (router, auth) => {
        router.get('/token', auth.requireAuth, (req, res, next) => {
          req.auth.getAccessToken().then(() => res.json({}), next)
        })
      },
    })
    const agent = app.agent()
    await agent.post('/auth/login').send(ada).expect(200)
    await agent.get('/token').expect(200)
    await app.login(wrong).expect(401)
    await app.login(wrong).expect(429)

    await reader.forceFlush()
    const points = exported.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    const outcomes = (name: string) =>
      points
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => (dataPoints as { attributes: object }[]).map(({ attributes }) => attributes))

    expect(outcomes('auth.logins')).toEqual(
      expect.arrayContaining([{ outcome: 'success' }, { outcome: 'invalid_credentials' }]),
    )
    expect(outcomes('auth.refreshes')).toEqual([{ outcome: 'success' }])
    expect(outcomes('auth.rate_limited')).toEqual([{ limit: 'login' }])
    expect(outcomes('auth.refresh.lock_wait')).toEqual([{}])
    expect(outcomes('db.client.operation.duration')).toContainEqual({ 'db.system.name': 'redis' })
  })
})
