/** What an agent tells its supervisor, one line of JSON each on stdout. */
export type AgentMessage =
  /** It holds the lock and goes to work. */
  | { readonly type: 'ready'; readonly token: number }
  /** The store has acknowledged the step; said after that, never before. */
  | { readonly type: 'done'; readonly step: string; readonly revision: string }
  /** It lost the lock while it lived, and will ask for it again. */
  | { readonly type: 'lease-lost' }
  /** All files are done and it was told to finish. */
  | { readonly type: 'finished' }

export interface AgentArguments {
  readonly name: string
  readonly stateDirectory: string
  readonly sourceDirectory: string
}

/** The one line the supervisor writes to an agent's stdin: end with the current pass. */
export const finishCommand = 'finish'
