type Question = Record<string, unknown> & { id: number; ask: string }

/** Reports this process's URL to the parent, answers its questions over IPC, and exits with it. */
export function answerParent(url: string, answers: Record<string, (input: never) => unknown>): void {
  process.on('message', ({ id, ask, ...input }: Question) => {
    void Promise.resolve(answers[ask]?.(input as never)).then((answer) => process.send?.({ id, answer }))
  })
  process.on('disconnect', () => process.exit())
  process.send?.({ ready: url })
}
