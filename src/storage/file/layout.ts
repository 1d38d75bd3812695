/**
 * Where things are. Everything of holdfast's own is under `.holdfast`; all else is the user's.
 *
 *     <root>/<collection>/<key>.json        documents
 *     <root>/logs/<name>.jsonl              event logs; closed segments in <root>/logs/<name>/
 *     <root>/.holdfast/store.json           format version, mode (and store.copy.json, its twin)
 *                     /.gitignore           keeps internals out of git
 *                     /ceilings/            durable upper bounds of all numbers used
 *                     /intents/             commits of several documents that are not yet all visible
 *                     /logs/                manifests and indexes of logs of several segments
 *                     /backups/<collection>/<key>.json/   earlier versions
 *                     /quarantine/<collection>/           damaged files, kept
 *                     /reserve              a little space, so that deleting works on a full disk
 *                     /domains/<inode>/     leases and writers; a copy of the directory has another inode
 *                             /write/       generation files of the write lease
 *                             /names/<name>/  generation files of named leases
 *                             /writers/<id>/  staging directories, one an opened store
 *                             /boots/       where numbering started in each boot
 */
export const internalsName = '.holdfast'

export interface Layout {
  readonly root: string
  readonly internals: string
  readonly stamp: string
  readonly stampCopy: string
  readonly gitignore: string
  readonly intents: string
  readonly logs: string
  readonly logManifests: string
  readonly backups: string
  readonly quarantine: string
  readonly reserve: string
  readonly domains: string
}

export interface DomainLayout {
  readonly domain: string
  readonly write: string
  readonly names: string
  readonly writers: string
}

/** `root` is absolute, without a trailing slash. */
export function layoutOf(root: string): Layout {
  const internals = `${root}/${internalsName}`
  return {
    root,
    internals,
    stamp: `${internals}/store.json`,
    stampCopy: `${internals}/store.copy.json`,
    gitignore: `${internals}/.gitignore`,
    intents: `${internals}/intents`,
    logs: `${root}/logs`,
    logManifests: `${internals}/logs`,
    backups: `${internals}/backups`,
    quarantine: `${internals}/quarantine`,
    reserve: `${internals}/reserve`,
    domains: `${internals}/domains`,
  }
}

export function domainLayoutOf(layout: Layout, inode: string): DomainLayout {
  const domain = `${layout.domains}/${inode}`
  return {
    domain,
    write: `${domain}/write`,
    names: `${domain}/names`,
    writers: `${domain}/writers`,
  }
}
