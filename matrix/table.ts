export interface Cell {
  server: string
  topology: string
  node: string
  express: string
  ioredis: string
  passed: number
  failed: number
}

/** One row per runtime, one column per Redis: how many checks passed. */
export function tableOf(cells: Cell[]): string {
  const rows = groups(cells, ({ node, express, ioredis }) => `${node} | ${express} | ${ioredis}`)
  const columns = [...groups(cells, ({ server, topology }) => `${server}, ${topology}`).keys()]
  const lines = [...rows].map(([name, row]) => {
    const shown = columns.map((column) => outcome(row.find((cell) => `${cell.server}, ${cell.topology}` === column)))
    return `| ${[name, ...shown].join(' | ')} |`
  })
  const head = ['Node', 'Express', 'ioredis', ...columns]
  return [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...lines.sort()].join('\n')
}

function outcome(cell: Cell | undefined): string {
  if (!cell) return 'not run'
  return cell.failed === 0 ? `${String(cell.passed)} passed` : `**${String(cell.failed)} failed**`
}

function groups(cells: Cell[], nameOf: (cell: Cell) => string): Map<string, Cell[]> {
  const found = new Map<string, Cell[]>()
  for (const cell of cells) found.set(nameOf(cell), [...(found.get(nameOf(cell)) ?? []), cell])
  return found
}
