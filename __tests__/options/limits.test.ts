import { describe, expect, it } from '@jest/globals'
import type { RateLimitOptions } from '../../lib/index.ts'
import { complete, resolve } from './support.ts'

const limitsOf = (rateLimit: RateLimitOptions | false) => resolve({ ...complete, rateLimit }).limits

describe('rateLimit', () => {
  it('switches all limits off with false', () => {
    const { limits } = resolve({ ...complete, rateLimit: false })
    expect(new Set(Object.values(limits))).toEqual(new Set([false]))
    expect(Object.keys(limits)).toEqual(['subnet', 'attempts', 'account', 'mfa', 'signup', 'reset'])
  })

  it.each(['subnet', 'attempts', 'account', 'mfa', 'signup', 'reset'] as const)('sets %s and nothing else', (name) => {
    const { [name]: _default, ...others } = limitsOf({})
    const written = { limit: 7, windowMs: 70_000 }
    expect(limitsOf({ [name]: written })).toEqual({ ...others, [name]: written })
    expect(limitsOf({ [name]: false })).toEqual({ ...others, [name]: false })
  })

  it('fills in a missing member', () => {
    expect(limitsOf({ account: { limit: 3 } }).account).toEqual({ limit: 3, windowMs: 900_000 })
    expect(limitsOf({ account: { windowMs: 1000, limit: undefined } }).account).toEqual({ limit: 10, windowMs: 1000 })
  })

  it('never limits all attempts more by default than the caller limits failed ones', () => {
    expect(limitsOf({ subnet: { limit: 100, windowMs: 900_000 } }).attempts).toEqual({ limit: 100, windowMs: 60_000 })
    expect(limitsOf({ subnet: { limit: 50, windowMs: 10_000 } }).attempts).toEqual({ limit: 300, windowMs: 60_000 })
    expect(limitsOf({ subnet: { limit: 100 }, attempts: { limit: 60 } }).attempts).toMatchObject({ limit: 60 })
  })
})
