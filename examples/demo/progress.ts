const barWidth = 30
const refreshMs = 100

/** One line that is drawn over on a terminal, a line now and then elsewhere. */
export class Progress {
  readonly #isTerminal = process.stdout.isTTY === true
  #drawnAt = 0

  /** `milestone` marks what is worth a line of its own where lines cannot be drawn over. */
  show(done: number, wanted: number, text: string, milestone: boolean): void {
    if (!this.#isTerminal) {
      if (milestone) process.stdout.write(`${done}/${wanted} kills, ${text}\n`)
      return
    }
    const now = performance.now()
    if (!milestone && now - this.#drawnAt < refreshMs) return
    this.#drawnAt = now
    const filled = Math.round((Math.min(done, wanted) / wanted) * barWidth)
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
    process.stdout.write(`\r\u001b[2K${bar} ${done}/${wanted} kills, ${text}`)
  }

  end(): void {
    if (this.#isTerminal) process.stdout.write('\r\u001b[2K')
  }
}
