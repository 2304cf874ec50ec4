/** Milliseconds after the first failure, the second, and so on; the first retry may come at once. */
const PAUSES = [0, 100, 200, 400, 800]

/**
 * Finds something when it is first asked for, and keeps it. Concurrent callers share one attempt. After repeated failures
 * there is a pause in which callers get the last error at once.
 */
export function findOnce<T>(find: () => Promise<T>): () => Promise<T> {
  let latest: Promise<T> | undefined
  let failures = 0
  let retryAt = Infinity

  const attempt = () => {
    retryAt = Infinity
    return find().catch((err: unknown) => {
      retryAt = performance.now() + (PAUSES[failures++] ?? 1000)
      throw err
    })
  }
  return () => {
    if (!latest || performance.now() >= retryAt) latest = attempt()
    return latest
  }
}
