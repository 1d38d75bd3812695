import type { SourceModule } from './source-module.js'

type Graph = ReadonlyMap<string, readonly string[]>

function graphOf(modules: readonly SourceModule[], withTypes: boolean): Graph {
  return new Map(
    modules.map(({ path, imports }) => [
      path,
      imports.flatMap(({ target, typeOnly }) =>
        target === undefined || (typeOnly && !withTypes) ? [] : [target],
      ),
    ]),
  )
}

/** Cycles of runtime imports, each printed once, as `a.ts → b.ts → a.ts`. */
export function checkCycles(modules: readonly SourceModule[]): string[] {
  const graph = graphOf(modules, false)
  const cycles = new Set<string>()
  for (const path of graph.keys()) {
    const cycle = shortestCycle(graph, path)
    if (cycle !== undefined) cycles.add(printed(cycle))
  }
  return [...cycles].sort()
}

/** Breadth first, so that the cycle that is shown is a shortest one through `start`. */
function shortestCycle(graph: Graph, start: string): string[] | undefined {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (const path of queue) {
    for (const next of graph.get(path) ?? []) {
      if (next === start) return trail(cameFrom, start, path)
      if (cameFrom.has(next)) continue
      cameFrom.set(next, path)
      queue.push(next)
    }
  }
  return undefined
}

function trail(cameFrom: ReadonlyMap<string, string>, start: string, end: string): string[] {
  const reversed: string[] = []
  for (let path: string | undefined = end; path !== undefined; path = cameFrom.get(path)) {
    reversed.push(path)
    if (path === start) break
  }
  return reversed.reverse()
}

function printed(cycle: readonly string[]): string {
  const first = [...cycle].sort()[0] ?? ''
  const at = cycle.indexOf(first)
  return [...cycle.slice(at), ...cycle.slice(0, at), first].join(' → ')
}

/** Files that no entry point reaches, by runtime or type imports, and entries that do not exist. */
export function checkReachable(
  modules: readonly SourceModule[],
  entries: readonly string[],
): string[] {
  const graph = graphOf(modules, true)
  const reached = new Set(entries)
  for (const path of reached) for (const next of graph.get(path) ?? []) reached.add(next)
  return [
    ...entries.filter((entry) => !graph.has(entry)).map((entry) => `${entry}: no such entry point`),
    ...[...graph.keys()]
      .filter((path) => !reached.has(path))
      .map((path) => `${path}: no entry point reaches it`),
  ]
}
