import { styleText } from 'node:util'
import type { Finding, Status } from './finding.js'

const COLORS = { ok: 'green', fault: 'red', note: 'yellow', skipped: 'gray' } as const satisfies Record<Status, string>
const LABELS: Record<Status, string> = { ok: 'ok', fault: 'FAULT', note: 'note', skipped: 'skipped' }

export interface ReportStyle {
  color: boolean
}

/** One line per finding, and a summary. */
export function asText(findings: readonly Finding[], { color }: ReportStyle): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const paint = (status: Status, text: string) =>
    color ? styleText(COLORS[status], text, { validateStream: false }) : text
  const lines = findings.map(({ check, status, message, setting }) => {
    const label = paint(status, LABELS[status].padEnd(7))
    return `${label}  ${check.padEnd(width)}  ${message} ${paint('skipped', `[${setting ?? check}]`)}`
  })
  return [...lines, '', summary(findings), ''].join('\n')
}

function summary(findings: readonly Finding[]): string {
  const count = (status: Status) => findings.filter((finding) => finding.status === status).length
  const faults = count('fault')
  const verdict = faults === 0 ? 'All well' : `${String(faults)} ${faults === 1 ? 'fault' : 'faults'}`
  return `${verdict}: ${String(count('ok'))} ok, ${String(count('note'))} notes, ${String(count('skipped'))} not checked`
}

export function asJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ ok: isWell(findings), findings }, undefined, 2)}\n`
}

export function isWell(findings: readonly Finding[]): boolean {
  return findings.every(({ status }) => status !== 'fault')
}
