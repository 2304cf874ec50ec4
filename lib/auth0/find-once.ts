/** Milliseconds to wait after the first failure, the second, and so on. */
const PAUSES = [0, 100, 200, 400, 800]

/**
 * Caches the first successful result. Concurrent callers share one attempt. After repeated failures, callers get the last
 * error without a new attempt for up to a second.
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
