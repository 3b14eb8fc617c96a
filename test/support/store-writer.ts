/** A child process that writes to a store until it is killed, and says what it was told is durable. */
import { sodiumCrypto as crypto } from '../../src/crypto/sodium.node.js'
import { EmbeddedStore } from '../../src/store/embedded/embedded-store.node.js'
import type { Sequence } from '../../src/store/pointer.js'
import { signPointer } from '../../src/store/root.js'
import { blockOf } from './blocks.js'

const [dir, seed] = process.argv.slice(2) as [string, string]
const pair = crypto.signKeyPair(new Uint8Array(32).fill(9))
const store = EmbeddedStore.open({ dir, crypto })
let sequence = (await store.get(pair.publicKey))?.sequence ?? 0
for (let round = sequence; ; round++) {
  const blocks = Array.from({ length: 40 }, (_, i) => blockOf(round * 40 + i, 100 + ((i * 7919 + Number(seed)) % 60_000)))
  await store.putMany(blocks)
  sequence++
  const pointer = { writer: pair.publicKey, sequence: sequence as Sequence, root: blockOf(round, 40, 'dag-cbor').cid }
  await store.swap([signPointer(crypto, pointer, pair.secretKey)])
  const gone = Array.from({ length: 35 }, (_, i) => blockOf(round * 40 + i, 100 + ((i * 7919 + Number(seed)) % 60_000)).cid)
  await store.delete(gone)
  process.stdout.write(`${round} ${sequence}\n`)
}
