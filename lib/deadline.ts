/** Milliseconds by which a timer may be late before the process counts as suspended. */
const LATE = 100

/**
 * A timeout that does not count time while the process is suspended (a blocked event loop, SIGSTOP, a sleeping machine).
 * After such a pause, Node runs timers before it reads sockets, so a response that has already arrived would look late.
 * Returns a function that cancels the timeout.
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

/** Settles as a task does, or rejects with the code `TIMEOUT` after `ms` milliseconds, counted as above. */
export function within<T>(ms: number, task: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const finished = startDeadline(ms, () => {
      reject(Object.assign(new Error('timeout'), { code: 'TIMEOUT' }))
    })
    task.then(finished, finished)
    task.then(resolve, reject)
  })
}

/** Resolves to whether a task finishes within `ms` milliseconds. Rejects if the task does. */
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
