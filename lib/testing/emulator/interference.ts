import { processUnder, spoil, type Faults } from './faults.js'
import type { Gates } from './gates.js'
import type { Middleware } from './middleware.js'
import { recordOf } from './recorder.js'

/** Hooks for tests to interfere with requests and responses. */
export function interfere(gates: Gates, faults: Faults): Middleware {
  return async (ctx, next) => {
    const { record } = recordOf(ctx)
    await gates.pass(record, 'before')
    const fault = faults.take(record)
    await (fault ? processUnder(fault, next) : next())
    await gates.pass(record, 'after')
    if (fault) spoil(fault, ctx)
  }
}
