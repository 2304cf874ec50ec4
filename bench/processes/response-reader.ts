const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Finds the end of each response. All contenders send Content-Length. */
export class ResponseReader {
  readonly #answered: (status: string) => void
  #held: Buffer | undefined

  constructor(answered: (status: string) => void) {
    this.#answered = answered
  }

  read(data: Buffer): void {
    const seen = this.#held ? Buffer.concat([this.#held, data]) : data
    const end = seen.indexOf(END_OF_HEAD)
    if (end === -1 || seen.length < end + END_OF_HEAD.length + bodyLength(seen, end)) {
      this.#held = seen
      return
    }
    this.#held = undefined
    this.#answered(seen.toString('latin1', 9, 12))
  }
}

function bodyLength(seen: Buffer, end: number): number {
  const length = /\r\ncontent-length: *(\d+)/i.exec(seen.toString('latin1', 0, end))?.[1]
  if (length === undefined) throw new Error('a contender answered without Content-Length')
  return Number(length)
}
