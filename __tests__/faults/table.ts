import type { Row } from './matrix.ts'
import { type Column, COLUMNS } from './requests.ts'

const NAMES = { redis: 'Redis', auth0: 'Auth0' }
const TITLES: Record<Column, string> = {
  login: 'login',
  protected: 'protected, valid token',
  expired: 'protected, expired token',
  public: 'public',
  logout: 'logout',
}

/** A Markdown table of status, slowest response, and recovery time. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ part, fault, cells, broken }) => [
    `${NAMES[part]}: ${fault}${broken.length > 0 ? ' **broken**' : ''}`,
    ...COLUMNS.map((column) => {
      const { statuses, worst, recovery } = cells[column]
      return `${statuses.join('/')}, ${worst.toFixed()} ms, ${recovery.toFixed()} ms`
    }),
  ])
  const head = ['', ...COLUMNS.map((column) => TITLES[column])]
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
