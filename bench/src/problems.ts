/** What went wrong. A fatal problem is a wrong result of ours: it fails the run. */
export class Problems {
  readonly #found: { readonly text: string; readonly fatal: boolean }[] = []

  report(what: string, error: unknown, fatal: boolean): void {
    const detail = error instanceof Error ? error.message : String(error)
    this.#found.push({ text: `${what}: ${detail}`, fatal })
  }

  get all(): readonly { readonly text: string; readonly fatal: boolean }[] {
    return this.#found
  }

  get fatal(): boolean {
    return this.#found.some((problem) => problem.fatal)
  }
}
