import { expect, it } from '@jest/globals'
import { runRow } from './matrix.ts'
import { tableOf } from './table.ts'

// The whole matrix is `npm run test:faults`.
it.each([
  ['redis', 'frozen and back'],
  ['auth0', 'reset mid-answer'],
] as const)('%s %s: every route answers in time, nothing is lost, and the app recovers', async (part, fault) => {
  const row = await runRow(part, fault)

  expect(row.broken).toEqual([])
  // What is down is noticed: otherwise this row would show nothing.
  expect(row.cells.expired.statuses).toEqual([503])
  expect(tableOf([row])).toMatch(new RegExp(`: ${fault} \\| 503`))
})
