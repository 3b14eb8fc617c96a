/** What the documents and the code say of each other. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { MAX_LOG_N } from '../../src/account/account.js'
import { COMMIT_SECONDS } from '../../src/app/embedded-space.node.js'
import { MAX_CHUNKS, MAX_RANGES } from '../../src/cryptree/chunk-set.js'
import { MAX_ENTRIES, MOST_PER_BUCKET } from '../../src/cryptree/directory-content.js'
import { NAME_MAX } from '../../src/cryptree/entry-name.js'
import { CHUNK_BYTES, FRAGMENT_BYTES, FRAGMENTS_PER_CHUNK, INLINE_MAX } from '../../src/cryptree/file-content.js'
import { ATTRIBUTE_MAX, TARGET_MAX } from '../../src/cryptree/properties.js'
import { MAX_DEPTH, MAX_ITEMS } from '../../src/lib/dag-cbor-value.js'
import { MAX_BLOCK_BYTES } from '../../src/store/block.js'
import { MAX_BUCKET, MAX_CHAMP_DEPTH } from '../../src/store/champ-node.js'
import { MAX_NODE_LINKS } from '../../src/store/node-block.js'
import { TOTAL_MAX } from '../../src/vfs/attributes.js'
import { MAX_DIRTY_BYTES, MAX_DIRTY_INODES } from '../../src/vfs/broch-filesystem.js'
import { MAX_FILE_BYTES } from '../../src/vfs/files.js'
import { LINK_BYTES_MAX, LINK_MAX } from '../../src/vfs/namespace.js'
import { MAX_ORPHANS } from '../../src/vfs/orphans.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

function filesIn(folder: string, ending: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((name) => ending.test(name)).map((name) => join(folder, name))
}

const sources = ['src', 'test', 'scripts'].flatMap((folder) => filesIn(folder, /\.(ts|mjs|cjs|sh)$/))
const documents = ['README.md', ...filesIn('docs', /\.md$/)]

/** Numbers of the sections of a document. */
function sectionsOf(path: string): Set<string> {
  return new Set(Array.from(read(path).matchAll(/^#+ (\d+(?:\.\d+)?)\.? /gm), ([, number]) => number as string))
}

describe('references', () => {
  test('to sections of documents, from code and documents, lead to one', () => {
    const lost: string[] = []
    let found = 0
    for (const path of [...sources, ...documents]) {
      for (const [, document, number] of read(path).matchAll(/(?:docs\/)?([a-z-]+)\.md §(\d+(?:\.\d+)?)/g)) {
        found += 1
        if (!existsSync(join(ROOT, 'docs', `${document}.md`)) || !sectionsOf(`docs/${document}.md`).has(number as string)) lost.push(`${path}: ${document}.md §${number}`)
      }
    }
    expect(lost).toEqual([])
    expect(found).toBeGreaterThan(30)
  })

  test('inside the format lead to a section', () => {
    const sections = sectionsOf('docs/format.md')
    const cited = Array.from(read('docs/format.md').matchAll(/§(\d+(?:\.\d+)?)/g), ([, number]) => number as string)
    expect(cited.filter((number) => !sections.has(number))).toEqual([])
    expect(cited.length).toBeGreaterThan(20)
  })

  test('of documents to files lead to one', () => {
    const lost = documents.flatMap((path) =>
      Array.from(read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g), ([, target]) => target as string)
        .filter((target) => !existsSync(join(ROOT, dirname(path), target)))
        .map((target) => `${path}: ${target}`))
    expect(lost).toEqual([])
  })

  test('of code to documents lead to one', () => {
    const lost = sources.flatMap((path) =>
      Array.from(read(path).matchAll(/docs\/(decisions\/\d{4}|[a-z-]+\.md)/g), ([, name]) => name as string)
        .filter((name) => (name.startsWith('decisions/') ? !readdirSync(join(ROOT, 'docs/decisions')).some((file) => file.startsWith(name.slice(10))) : !existsSync(join(ROOT, 'docs', name))))
        .map((name) => `${path}: docs/${name}`))
    expect(lost).toEqual([])
  })
})

describe('limits', () => {
  test.each<[string, string, Record<string, number>]>([
    ['docs/format.md', '## 11. Limits of readers', {
      'a block, in bytes': MAX_BLOCK_BYTES,
      'containers in each other in dag-cbor': MAX_DEPTH,
      'items of a dag-cbor document': MAX_ITEMS,
      'links of a node': MAX_NODE_LINKS,
      'depth of the CHAMP': MAX_CHAMP_DEPTH,
      'entries of a CHAMP bucket': MAX_BUCKET,
      'bytes of a fragment': FRAGMENT_BYTES,
      'fragments of a chunk': FRAGMENTS_PER_CHUNK,
      'inline bytes of a file': INLINE_MAX,
      'ranges of chunks of a file': MAX_RANGES,
      'chunks of a file': MAX_CHUNKS,
      'entries in a directory for each bucket': MOST_PER_BUCKET,
      'entries of a directory': MAX_ENTRIES,
      'bytes of a name': NAME_MAX,
      'bytes of a symlink\'s target': TARGET_MAX,
      'bytes of an extended attribute': ATTRIBUTE_MAX,
      'log2 N of scrypt': MAX_LOG_N,
    }],
    ['docs/limits.md', '## Numbers', {
      'the length of a file, in bytes': MAX_FILE_BYTES,
      [`chunks of ${CHUNK_BYTES / 2 ** 20} MiB of a file that hold data`]: MAX_CHUNKS,
      'runs of such chunks with a hole between them': MAX_RANGES,
      'a file that lies in its node, in bytes': INLINE_MAX,
      'the grain of holes, in bytes': FRAGMENT_BYTES,
      'the length of a name, in bytes': NAME_MAX,
      'a symlink\'s target, in bytes': TARGET_MAX,
      'links to one file': LINK_MAX,
      'the names of those links, in bytes, 40 more for each': LINK_BYTES_MAX,
      'an extended attribute, in bytes': ATTRIBUTE_MAX,
      'the extended attributes of a file, in bytes': TOTAL_MAX,
      'entries of a directory': MAX_ENTRIES,
      'files that were open and had no name, freed at the next start': MAX_ORPHANS,
      'bytes written and not committed, in memory': MAX_DIRTY_BYTES,
      'inodes changed and not committed': MAX_DIRTY_INODES,
      'seconds until what was written is committed without being asked': COMMIT_SECONDS,
    }],
  ])('in %s are those of the code, each with a reason', (path, heading, constants) => {
    const text = read(path)
    const section = text.slice(text.indexOf(heading) + heading.length).split('\n## ')[0] as string
    const rows = Array.from(section.matchAll(/^\| ([^|]+) \| ([\d,]+) \| ([^|]+) \|$/gm), ([, what, number, why]) => [what, Number(number?.replaceAll(',', '')), why] as const)
    expect(Object.fromEntries(rows.map(([what, number]) => [what, number]))).toEqual(constants)
    for (const [, , why] of rows) expect(why?.trim()).toMatch(/\w/)
  })
})

describe('the tree', () => {
  test('has no notes left for later, and no test that stops the others', () => {
    const mark = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', String.raw`\b(?:test|it|describe|story)\.only\b`].join('|'))
    expect([...sources, ...documents].filter((path) => mark.test(read(path)))).toEqual([])
  })

  test('installs from the registry that npm is set to, and from no other host', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved"|"(?:git|https?|ssh|file|github)[+:][^"]*\.(?:git|tgz|tar\.gz)/)
  })

  test('pins every dependency', () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>
    for (const version of Object.values({ ...dependencies, ...devDependencies, ...optionalDependencies })) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  })
})
