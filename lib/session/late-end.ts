import type { ServerResponse } from 'node:http'

type End = (this: Gated, ...args: unknown[]) => unknown

interface Gate {
  original: End
  /** express-session's `end`, until somebody has gone through it. */
  theirs?: End | undefined
}

const GATE = Symbol('express-auth0-ropg')

interface Gated {
  end: End
  [GATE]?: Gate
}

/**
 * In `res.end(req.session.views)` the function is looked up before its argument brings express-session to life, and so is
 * not yet the one that saves. This one, in its place from the start, finds its way.
 */
export function gateEnd(res: ServerResponse): void {
  const gated = res as unknown as Gated
  gated[GATE] = { original: gated.end }
  gated.end = end
}

/** To be called once express-session has put its own `end` in place. */
export function openGate(res: ServerResponse): void {
  const gated = res as unknown as Gated
  const gate = gated[GATE]
  if (!gate) return
  const theirs = gated.end
  gate.theirs = theirs
  gated.end = function (...args) {
    gate.theirs = undefined
    return theirs.apply(this, args)
  }
}

/** One function for all answers. */
function end(this: Gated, ...args: unknown[]): unknown {
  const gate = this[GATE]
  const { theirs, original } = gate ?? {}
  if (gate) gate.theirs = undefined
  return (theirs ?? original)?.apply(this, args)
}
