import type { Config } from './options.js'
import type { Problem } from './problem.js'
import type { Lifetime, SessionOptions } from './session-options.js'

const DAY = 86_400

type Complete = Config['session']['ordinary']
type Written = Pick<SessionOptions, keyof Lifetime | 'remembered'>

const ABSOLUTE = { ordinary: 7 * DAY, remembered: 30 * DAY }

/** Fills in defaults, adapted to the given limits. */
export function lifetimesOf(session: Written): { ordinary: Complete; remembered: Complete } {
  const ordinary = complete(session, { idleTimeout: DAY, absoluteTimeout: ABSOLUTE.ordinary })
  const remembered = complete(session.remembered, {
    idleTimeout: Math.max(14 * DAY, ordinary.idleTimeout),
    absoluteTimeout: Math.max(ABSOLUTE.remembered, ordinary.absoluteTimeout),
  })
  return { ordinary, remembered }
}

function complete({ idleTimeout, absoluteTimeout }: Lifetime = {}, defaults: Complete): Complete {
  const absolute = absoluteTimeout ?? Math.max(defaults.absoluteTimeout, idleTimeout ?? 0)
  const idle = idleTimeout ?? Math.min(defaults.idleTimeout, absolute)
  return Object.freeze({ idleTimeout: idle, absoluteTimeout: absolute })
}

/** Pairs of given limits that contradict each other. */
export function lifetimeProblems(session: Written): Problem[] {
  return levels(session)
    .filter(({ idle, absolute }) => absolute !== undefined && idle > absolute)
    .map(({ name }) => ({
      option: `${name}.idleTimeout`,
      text: `${name}.idleTimeout is longer than ${name}.absoluteTimeout: lower the first or raise the second`,
    }))
}

/** Warnings for absolute limits that were raised above their default to match a given idle limit. */
export function raisedLifetimes(session: Written): Problem[] {
  return levels(session)
    .filter(({ idle, absolute, usual }) => absolute === undefined && idle > usual)
    .map(({ name }) => ({
      option: `${name}.absoluteTimeout`,
      text:
        `${name}.idleTimeout is longer than the default ${name}.absoluteTimeout, which was raised to match: ` +
        `set ${name}.absoluteTimeout explicitly`,
    }))
}

function levels(session: Written) {
  const { idleTimeout: idle = 0, absoluteTimeout: absolute, remembered = {} } = session
  const usual = Math.max(ABSOLUTE.remembered, lifetimesOf(session).ordinary.absoluteTimeout)
  return [
    { name: 'session', idle, absolute, usual: ABSOLUTE.ordinary },
    { name: 'session.remembered', idle: remembered.idleTimeout ?? 0, absolute: remembered.absoluteTimeout, usual },
  ]
}
