import type { Redis } from 'ioredis'

/** Command -> calls. */
export type Calls = Record<string, number>

/** Calls since the server started, without INFO, which only the harness sends. */
export async function callsOf(redis: Redis): Promise<Calls> {
  const lines = (await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
  return Object.fromEntries(
    [...lines].map(([, name, calls]) => [name, Number(calls)]).filter(([name]) => name !== 'info'),
  )
}

export function callsPerRequest(before: Calls, after: Calls, requests: number): Calls {
  const entries = Object.entries(after).map(
    ([name, calls]) => [name, (calls - (before[name] ?? 0)) / requests] as const,
  )
  return Object.fromEntries(entries.filter(([, calls]) => calls >= 0.005))
}

export async function keysOf(redis: Redis): Promise<string[]> {
  const keys: string[] = []
  for await (const found of redis.scanStream({ count: 1000 })) keys.push(...(found as string[]))
  return [...new Set(keys)]
}

export async function bytesOf(redis: Redis, keys: readonly string[]): Promise<number> {
  const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)))
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
}

export function total(calls: Calls): number {
  return Object.values(calls).reduce((sum, one) => sum + one, 0)
}
