import { report } from '../support/campaign.js'
import type { Verdict } from './fault-trials.js'

/** What a row of trials has come to. */
export class Tally {
  readonly wrong: string[] = []
  trials = 0
  #faults = 0

  add(where: string, { struck, wrong }: Verdict): void {
    this.trials += 1
    this.#faults += struck
    this.wrong.push(...wrong.map((each) => `${where}: ${each}`))
  }

  report(kind: string, operation: string): void {
    report('faults', { kind, operation, trials: this.trials, faults: this.#faults })
  }
}
