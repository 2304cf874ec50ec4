import { describe, expect, it, jest } from '@jest/globals'
import { ConfigurationError, messageFirst, type MessageFirstLogger } from '../../lib/index.ts'
import { complete, quiet, resolve } from './support.ts'

/** Same output as winston's simple format: the message, then the fields as JSON. */
class Winstonlike {
  readonly lines: string[] = []
  info = this.#method('info')
  warn = this.#method('warn')
  error = this.#method('error')

  #method(level: string) {
    return (...args: unknown[]) => {
      const [message, fields = {}] = args
      this.lines.push(`${level}: ${String(message)} ${JSON.stringify(fields)}`)
      return this
    }
  }
}

describe('messageFirst', () => {
  it.each(['info', 'warn', 'error'] as const)('passes %s the message first and then the fields', (level) => {
    const write = jest.fn<(message: string, fields: object) => void>()
    const logger = { ...quiet, [level]: write }
    messageFirst(logger)[level]({ event: 'logout', sub: 'auth0|1' }, 'logout')
    expect(write.mock.calls).toEqual([['logout', { event: 'logout', sub: 'auth0|1' }]])
  })

  it('calls the methods on the logger itself', () => {
    const logger = {
      prefix: 'app',
      said: '',
      info(message: string) {
        this.said = `${this.prefix} ${message}`
      },
      warn: quiet.warn,
      error: quiet.error,
    }
    messageFirst(logger).info({}, 'hello')
    expect(logger.said).toBe('app hello')
  })

  it('makes a logger for the logger option that never prints [object Object]', () => {
    const winston = new Winstonlike()
    resolve({ ...complete, logger: messageFirst(winston) }).logger?.error({ event: 'x', auth0: { status: 403 } }, 'x')
    expect(winston.lines).toEqual(['error: x {"event":"x","auth0":{"status":403}}'])
  })

  it.each([undefined, null, {}, 'winston', { info: quiet.info }])('refuses %p', (logger) => {
    const adapt = () => messageFirst(logger as unknown as MessageFirstLogger)
    expect(adapt).toThrow(ConfigurationError)
    expect(adapt).toThrow('messageFirst requires a logger with the methods info, warn and error')
  })
})
