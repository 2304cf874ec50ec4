import { readFile, writeFile } from 'node:fs/promises'
import { FAULTS } from './faults.ts'
import { type Row, runRow } from './matrix.ts'
import { tableOf } from './table.ts'

const PAGE = 'docs/faults.md'
const BEFORE_TABLE = '<!-- Written by npm run test:faults. -->\n'

const [wanted = ''] = process.argv.slice(2)
const rows: Row[] = []
for (const part of ['redis', 'auth0'] as const) {
  for (const fault of FAULTS.filter((name) => `${part} ${name}`.includes(wanted))) {
    const row = await runRow(part, fault)
    rows.push(row)
    console.error(`${part} ${fault}: ${row.broken.join('; ') || 'as it should be'}`)
  }
}
console.log(tableOf(rows))
const isWell = rows.every(({ broken }) => broken.length === 0)
if (isWell && wanted === '') await keep(tableOf(rows))
process.exitCode = isWell ? 0 : 1

async function keep(table: string): Promise<void> {
  const [text = ''] = (await readFile(PAGE, 'utf8')).split(BEFORE_TABLE)
  await writeFile(PAGE, `${text}${BEFORE_TABLE}\n${table}\n`)
}
