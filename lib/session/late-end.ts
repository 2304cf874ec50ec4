/** An answer, as far as ending it is concerned. */
export interface Answer {
  end: End
  req?: object
}

export type End = (this: Answer, ...args: unknown[]) => unknown

/** Knows express-session's `end` of an answer, until that is called. */
export interface LateEnd {
  lateEnd: End | undefined
}

/** To be called once express-session has put its own `end` in place. */
export function rememberEnd(res: Answer, holder: LateEnd): void {
  const theirs = res.end
  holder.lateEnd = theirs
  res.end = function (...args) {
    holder.lateEnd = undefined
    return theirs.apply(this, args)
  }
}

/**
 * In `res.end(req.session.views)` the function is looked up before its argument brings express-session to life, and so is
 * not yet the one that saves. This one, looked up in its place, finds its way.
 */
export function gateOf(original: End, holderOf: (req: object) => LateEnd | undefined): End {
  return function end(...args) {
    const holder = this.req && holderOf(this.req)
    const theirs = holder?.lateEnd
    if (!theirs) return original.apply(this, args)
    holder.lateEnd = undefined
    return theirs.apply(this, args)
  }
}
