/** What an agent tells its supervisor, one line of JSON each on stdout. */
export type AgentMessage =
  /** It holds the lock and goes to work. */
  | { readonly type: 'ready'; readonly token: number }
  /** The log has acknowledged with which step a file was begun, and the counter the attempt; said after that. */
  | {
      readonly type: 'begun'
      readonly step: string
      /** Of the log record. */
      readonly id: string
      /** What the counter of attempts was after it. */
      readonly attempts: number
    }
  /** The store has acknowledged the step; said after that, never before. */
  | { readonly type: 'done'; readonly step: string; readonly revision: string }
  /** It lost the lock while it lived, and will ask for it again. */
  | { readonly type: 'lease-lost' }
  /** All files are done and it was told to finish. */
  | { readonly type: 'finished'; readonly statusLine: string }

export interface AgentArguments {
  readonly name: string
  readonly stateDirectory: string
  readonly sourceDirectory: string
}

/** The one line the supervisor writes to an agent's stdin: end with the current pass. */
export const finishCommand = 'finish'
