import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Megabytes in use after garbage collection. */
export function heapInUse(): number {
  collect()
  return Math.round(process.memoryUsage().heapUsed / 1e5) / 10
}
