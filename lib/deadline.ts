/** Milliseconds by which a timer may be late before the process counts as suspended. */
const LATE = 100

/**
 * Calls back after `ms` during which this process could run. Returns a function that cancels it. A process that stood
 * still (a busy event loop, SIGSTOP, a suspended machine) runs its timers first and reads its sockets after: what has
 * long been answered would count as late. It gets that time anew.
 */
export function startDeadline(ms: number, expired: () => void): () => void {
  let due = performance.now() + ms
  const check = () => {
    const late = performance.now() - due
    if (late < LATE) {
      expired()
      return
    }
    const more = Math.min(late, ms)
    due = performance.now() + more
    timer = setTimeout(check, more)
  }
  let timer = setTimeout(check, ms)
  return () => {
    clearTimeout(timer)
  }
}

/** Resolves to whether a task has ended within so many milliseconds. Rejects as the task does. */
export async function endsWithin(ms: number, task: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false)
  })
  try {
    return await Promise.race([task.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
