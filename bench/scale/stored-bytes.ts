import type { Redis } from 'ioredis'
import { contenderNamed } from '../harness/contenders.ts'
import { enter } from '../harness/enter.ts'
import { lengthOf, tokensOf } from '../harness/raw-tokens.ts'
import { table, whole } from '../harness/markdown.ts'
import { bytesOf } from '../harness/redis-stats.ts'
import { OURS, type Part, type ScaleContext } from './context.ts'

const USER = 3

/** Redis memory per session, compared with the size of the issued tokens. */
export async function storedBytes({ world }: ScaleContext): Promise<Part> {
  await world.redis.flushall()
  const tokens = await tokensOf(world, USER)
  const ours = await enter(world, OURS, USER)
  const keys = await Promise.all(ours.stored.keys.map((key) => rowOf(world.redis, key)))
  const base = await enter(world, contenderNamed('base'), USER)
  await Promise.all([ours.child.stop(), base.child.stop()])
  const { access_token: access, id_token: id, refresh_token: refresh } = tokens
  const [all, kept] = [lengthOf(tokens), access.length + refresh.length]
  const total = (name: string, { bytes }: { bytes: number }) => [
    name,
    whole(bytes),
    (bytes / all).toFixed(2),
    (bytes / kept).toFixed(2),
  ]
  const head = ['what', 'MEMORY USAGE, bytes', 'to access + ID + refresh token', 'to access + refresh token']
  const rows = [...keys.sort(), total('ours in all', ours.stored), total('base in all', base.stored)]
  const raw = `The tokens as issued: access ${access.length}, ID ${id.length}, refresh ${refresh.length} bytes.\n`
  return { title: 'Bytes of one session', text: `${table(head, rows)}\n\n${raw}${NOTES}` }
}

const NOTES = `\
Ours keeps the access token and the refresh token, sealed, and the claims of the ID token but not the token itself; base
keeps all three in clear. MEMORY USAGE has the key and what Redis adds.`

async function rowOf(redis: Redis, key: string): Promise<string[]> {
  return [`ours, ${await redis.type(key)} ${kindOf(key)}`, whole(await bytesOf(redis, [key])), '', '']
}

/** The key without ids and hashes, which are longer than any other part. */
function kindOf(key: string): string {
  return key
    .split(':')
    .map((part) => (part.length > 8 ? '*' : part))
    .join(':')
}
