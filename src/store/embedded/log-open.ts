/**
 * Reads the log of a store: newest segment first, so that what a newer one says to be dead is known before. docs/format.md §6.2
 * @packageDocumentation
 */
import { toHex } from '../../lib/bytes.js'
import { BrochError } from '../../lib/error.js'
import type { Cid } from '../block.js'
import type { Sha256 } from '../cid.js'
import { decodeHint, DigestWriter, encodeHint, walkDigest } from './digest.js'
import { LogState } from './log-state.js'
import type { OpenFiles } from './open-files.js'
import { CID_AT, hasItsHash, HEADER_BYTES, headerCid, RECORD_KIND, splitForgotten, splitPointers } from './record.js'
import { Segment } from './segment.js'
import { scanSegment } from './segment-scan.js'
import { attempt } from './store-error.js'
import type { StoreFiles } from './store-files.js'

export interface LogPlace {
  readonly files: StoreFiles
  readonly open: OpenFiles
  readonly sha256: Sha256
  /** of the segments */
  readonly folder: string
  /** of the hints */
  readonly hints: string
  readonly readOnly: boolean
}

export interface OpenedLog {
  readonly state: LogState
  /** of the last segment */
  readonly digest: DigestWriter
}

export function hintPath(place: LogPlace, segment: Segment): string {
  return `${place.hints}${segment.path.slice(place.folder.length)}`
}

/** A hint is a help: when it cannot be written the next opening reads the segment instead. */
export function writeHint(place: LogPlace, segment: Segment, digest: Uint8Array): void {
  try {
    place.files.writeWhole(hintPath(place, segment), encodeHint(place.sha256, digest, segment.end))
  } catch {
    place.files.remove(hintPath(place, segment))
  }
}

/** @throws BrochError CORRUPT for pointers that cannot be read, NEWER_FORMAT, IO */
export function openLog(place: LogPlace): OpenedLog {
  const state = new LogState()
  const segments = listSegments(place)
  for (const segment of segments) state.segments.set(segment.number, segment)
  const dead = new Map<number, number[]>()
  const last = segments.at(-1)
  let digest = new DigestWriter()
  for (const segment of segments.reverse()) {
    const read = readDigest(place, state, segment, segment === last)
    if (segment === last && read instanceof DigestWriter) digest = read
    apply(place.sha256, state, segment, { digest: read instanceof DigestWriter ? read.bytes : read, dead })
    dead.delete(segment.number)
  }
  return { state, digest }
}

/** Live blocks of a segment, read from its hint or from itself. */
export function* cidsOf(place: LogPlace, state: LogState, segment: Segment): Generator<Cid> {
  const digest = readHint(place, segment) ?? scanSegment(place.sha256, segment, segment.end, false).digest.bytes
  const found: Cid[] = []
  walkDigest(digest, (kind, offset, _length, at) => {
    const cid = headerCid(digest, at)
    if (kind === RECORD_KIND.block && state.index.isAt(cid, segment.number, offset)) found.push(cid)
  })
  for (const cid of found) yield new Uint8Array(cid) as Cid
}

function listSegments({ files, open, folder }: LogPlace): Segment[] {
  const names = attempt('list the store', () => files.list(folder)).filter((name) => /^\d{8,10}-[0-9a-f]+$/.test(name))
  const segments = names.map((name) => {
    const path = `${folder}/${name}`
    return new Segment(files, open, { number: Number.parseInt(name, 10), path, end: attempt('look at a segment', () => files.size(path)) })
  })
  segments.sort((a, b) => a.number - b.number)
  const twice = segments.find(({ number }, i) => number === segments[i - 1]?.number)
  if (twice !== undefined) throw new BrochError('CORRUPT', `the store has two segments of number ${twice.number}: was another store copied into it?`)
  return segments
}

function readDigest(place: LogPlace, state: LogState, segment: Segment, isLast: boolean): DigestWriter | Uint8Array {
  const hint = isLast ? undefined : readHint(place, segment)
  if (hint !== undefined) {
    segment.synced = segment.end
    return hint
  }
  const fileEnd = segment.end
  const { digest, end, damage, vouched } = scanSegment(place.sha256, segment, fileEnd, isLast)
  state.damage.push(...damage.map((offset) => damageAt(segment, offset)))
  segment.end = end
  segment.torn = end < fileEnd
  segment.synced = Math.min(vouched, end)
  if (isLast) return digest
  if (!place.readOnly && damage.length === 0) writeHint(place, segment, digest.bytes)
  return digest
}

function damageAt({ number }: Segment, offset: number): string {
  return `segment ${number} is damaged at byte ${offset}`
}

function readHint(place: LogPlace, segment: Segment): Uint8Array | undefined {
  try {
    return decodeHint(place.sha256, place.files.readWhole(hintPath(place, segment)), segment.end)
  } catch {
    return undefined
  }
}

/** @param dead - offsets by segment; those in older segments are added */
function apply(sha256: Sha256, state: LogState, segment: Segment, { digest, dead }: { digest: Uint8Array; dead: Map<number, number[]> }): void {
  walkDigest(digest, (kind, offset, length, at) => {
    if (kind !== RECORD_KIND.pointer && kind !== RECORD_KIND.forget) return
    const payload = digest.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length)
    // a flipped bit in a place to forget would take a block that lives
    if (!hasItsHash(sha256, digest, at, payload)) state.damage.push(damageAt(segment, offset))
    else if (kind === RECORD_KIND.pointer) applyPointers(state, segment, payload)
    else applyForget(segment, offset, payload, dead)
  })
  const gone = Uint32Array.from(dead.get(segment.number) ?? []).sort()
  let next = 0
  walkDigest(digest, (kind, offset, length, at) => {
    if (kind !== RECORD_KIND.block) return
    while (next < gone.length && (gone[next] as number) < offset) next++
    if (gone[next] === offset) return
    state.addFirst(digest, at + CID_AT, segment, offset, length)
  })
}

function applyPointers(state: LogState, segment: Segment, payload: Uint8Array): void {
  for (const pointer of splitPointers(payload)) {
    const writer = toHex(pointer.writer)
    // segments come newest first, records in one of them oldest first
    const known = state.pointers.get(writer)
    if (known === undefined || pointer.sequence > known.pointer.sequence) state.pointers.set(writer, { pointer, segment: segment.number })
  }
}

function applyForget(segment: Segment, offset: number, payload: Uint8Array, dead: Map<number, number[]>): void {
  const places = splitForgotten(payload)
  segment.addForgets(offset, places)
  for (const place of places) {
    const offsets = dead.get(place.segment)
    if (offsets === undefined) dead.set(place.segment, [place.offset])
    else offsets.push(place.offset)
  }
}
