/** An answer, as far as ending it is concerned. */
export interface Answer {
  end: End
  req?: object
}

export type End = (this: Answer, ...args: unknown[]) => unknown

/** Knows express-session's `end` of an answer. */
export interface LateEnd {
  lateEnd: End | undefined
}

/** Gate -> what it guards. */
const GUARDED = new WeakMap<End, End>()

/**
 * In `res.end(req.session.views)` the function is looked up before its argument brings express-session to life, and so is
 * not yet the one that saves. This one, looked up in its place, finds its way.
 */
export function gateOf(original: End, holderOf: (req: object) => LateEnd | undefined): End {
  const gate: End = function end(...args) {
    const theirs = this.req && holderOf(this.req)?.lateEnd
    return (theirs ?? original).apply(this, args)
  }
  GUARDED.set(gate, original)
  return gate
}

/**
 * Lets express-session put its `end` before what the gate guards, and tells the gate. Where somebody else has put a
 * function before the gate, that one is called first, and the gate just lets pass.
 */
export function takeEnd(res: Answer, holder: LateEnd, mount: () => void): void {
  const original = GUARDED.get(res.end)
  if (original) res.end = original
  mount()
  if (original) holder.lateEnd = res.end
}
