import { isRelative, type SourceImport, type SourceModule } from './source-module.js'

/** Units that stand side by side. A unit is a folder of `src`, or a file directly in it. */
export interface Layer {
  readonly units: readonly string[]
  /** Imports within the layer that are allowed, importer → imported. */
  readonly sideways?: Readonly<Record<string, readonly string[]>>
}

/** From the top. A unit may import every unit of every layer below its own. */
export type LayerTable = readonly Layer[]

interface Place {
  readonly unit: string
  readonly layer: Layer
  readonly level: number
}

/** Where the table puts a file: the longest listed folder that it lies in. */
function placeOf(path: string, table: LayerTable): Place | undefined {
  for (let name = path.replace(/^src\//, ''); name !== ''; name = parentOf(name)) {
    const level = table.findIndex((layer) => layer.units.includes(name))
    const layer = table[level]
    if (layer !== undefined) return { unit: name, layer, level }
  }
  return undefined
}

const parentOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('/')))

/** Imports that do not point down the table, files it does not know, imports that lead nowhere. */
export function checkLayers(modules: readonly SourceModule[], table: LayerTable): string[] {
  return modules.flatMap((module) => {
    const place = placeOf(module.path, table)
    if (place === undefined) return [`${module.path}: stands in no layer, add it to the table`]
    return module.imports.flatMap((found) => {
      const complaint = complaintAbout(place, found, table)
      return complaint === undefined ? [] : [`${module.path}:${found.line}: ${complaint}`]
    })
  })
}

function complaintAbout(from: Place, found: SourceImport, table: LayerTable): string | undefined {
  if (found.target === undefined) {
    if (isRelative(found.specifier)) return `'${found.specifier}' leads nowhere`
    if (!/^holdfast(?:\/|$)/.test(found.specifier)) return undefined
    return `'${found.specifier}' is this package, use a relative path`
  }
  const to = placeOf(found.target, table)
  if (to === undefined || to.unit === from.unit || to.level > from.level) return undefined
  if (to.level < from.level) return `${from.unit} may not import ${to.unit}, a layer above it`
  if (from.layer.sideways?.[from.unit]?.includes(to.unit) === true) return undefined
  return `${from.unit} may not import ${to.unit}, its neighbour in the layer`
}
