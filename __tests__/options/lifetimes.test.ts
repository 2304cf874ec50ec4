import { describe, expect, it, jest } from '@jest/globals'
import { DAY, messageForSession, quiet, resolve, secret, tenant } from './support.ts'

function lifetimesOf(written: object) {
  const warn = jest.fn<(fields: object, message: string) => void>()
  const { session } = resolve({ ...tenant, logger: { ...quiet, warn }, session: { secret, ...written } })
  const { ordinary, remembered } = session
  return { ordinary, remembered, warnings: warn.mock.calls.map(([, message]) => message) }
}

const pair = (idleTimeout: number, absoluteTimeout: number) => ({ idleTimeout, absoluteTimeout })

describe('session lifetimes', () => {
  it('lower the default idle timeout to a shorter absolute one', () => {
    expect(lifetimesOf({ absoluteTimeout: 3600 }).ordinary).toEqual(pair(3600, 3600))
    expect(lifetimesOf({ remembered: { absoluteTimeout: DAY } }).remembered).toEqual(pair(DAY, DAY))
  })

  it('do not change the remembered ones if only the ordinary ones are shortened', () => {
    expect(lifetimesOf({ absoluteTimeout: 3600 }).remembered).toEqual(pair(14 * DAY, 30 * DAY))
  })

  it('raise the default absolute timeout to a longer idle one, with a warning', () => {
    expect(lifetimesOf({ idleTimeout: 8 * DAY })).toMatchObject({
      ordinary: pair(8 * DAY, 8 * DAY),
      warnings: [expect.stringMatching(/^session\.idleTimeout is longer than the default session\.absoluteTimeout/)],
    })
    expect(lifetimesOf({ remembered: { idleTimeout: 31 * DAY } })).toMatchObject({
      remembered: pair(31 * DAY, 31 * DAY),
      warnings: [expect.stringMatching(/set session\.remembered\.absoluteTimeout explicitly$/)],
    })
  })

  it('never make a remembered session shorter than an ordinary one by default', () => {
    expect(lifetimesOf({ idleTimeout: 20 * DAY, absoluteTimeout: 60 * DAY })).toEqual({
      ordinary: pair(20 * DAY, 60 * DAY),
      remembered: pair(20 * DAY, 60 * DAY),
      warnings: [],
    })
    expect(lifetimesOf({ absoluteTimeout: 60 * DAY, remembered: { idleTimeout: 40 * DAY } })).toMatchObject({
      remembered: pair(40 * DAY, 60 * DAY),
      warnings: [],
    })
  })

  it('do not warn about defaults that fit', () => {
    expect(lifetimesOf({ idleTimeout: 7 * DAY, remembered: { idleTimeout: 30 * DAY } }).warnings).toEqual([])
    expect(lifetimesOf({ idleTimeout: 8 * DAY, absoluteTimeout: 9 * DAY }).warnings).toEqual([])
  })

  it('may be equal', () => {
    expect(lifetimesOf(pair(600, 600)).ordinary).toEqual(pair(600, 600))
  })

  it('are refused if the idle timeout that is written exceeds the absolute one', () => {
    expect(messageForSession(pair(601, 600))).toBe(
      'session.idleTimeout is longer than session.absoluteTimeout: lower the first or raise the second',
    )
    expect(messageForSession({ remembered: pair(601, 600) })).toBe(
      'session.remembered.idleTimeout is longer than session.remembered.absoluteTimeout: ' +
        'lower the first or raise the second',
    )
  })
})
