/**
 * What runs in the browser: signs up, writes, opens anew, reads; all from the portable core, on memory stores.
 * @packageDocumentation
 */
import { type AccountStore, logIn, signUp } from '../../src/app/space.js'
import { tweetnaclCrypto as crypto } from '../../src/crypto/tweetnacl.js'
import { toHex, utf8 } from '../../src/lib/bytes.js'
import { exportCar } from '../../src/store/car.js'
import { MemoryBlockStore } from '../../src/store/memory-block-store.js'
import { MemoryPointerStore } from '../../src/store/memory-pointer-store.js'
import type { SignedPointer } from '../../src/store/pointer.js'
import { encodePointer } from '../../src/store/root.js'
import { Tree } from '../../src/store/tree.js'
import { type NodeId, ROOT_ID } from '../../src/vfs/filesystem.js'

const caller = { uid: 1000, gid: 1000, pid: 1 }
export const LOGIN = { name: 'ann', passphrase: utf8('correct horse battery staple') }
/** Two chunks, and a fragment that is not full. */
export const LARGE_BYTES = 5_300_000

/** All in hex: it goes through JSON. */
export interface PageResult {
  readonly names: readonly string[]
  readonly small: string
  readonly largeHash: string
  readonly account: string
  readonly pointer: string
  readonly car: string
}

class MemoryAccount implements AccountStore {
  #record = new Uint8Array(0)

  readAccount(): Uint8Array {
    return this.#record
  }

  writeAccount(record: Uint8Array): void {
    this.#record = record.slice()
  }
}

class WatchedPointers extends MemoryPointerStore {
  last: SignedPointer | undefined

  override async swap(pointers: readonly SignedPointer[]): Promise<void> {
    await super.swap(pointers)
    this.last = pointers.at(-1)
  }
}

export function largeFile(): Uint8Array {
  return Uint8Array.from({ length: LARGE_BYTES }, (_, i) => (i * 7 + (i >>> 8)) & 255)
}

export async function run(): Promise<PageResult> {
  const stores = { crypto, blocks: new MemoryBlockStore(), pointers: new WatchedPointers(crypto), accounts: new MemoryAccount() }
  await signUp(stores, LOGIN)
  const first = await logIn(stores, LOGIN)
  const { id: dir } = await first.fs.mkdir(caller, ROOT_ID, utf8('d'), { mode: 0o755, umask: 0 })
  for (const [name, data] of [['small', utf8('written in a browser')], ['large', largeFile()]] as const) {
    const { id } = await first.fs.create(caller, dir, utf8(name), { mode: 0o644, umask: 0 })
    await first.fs.write(caller, id, 0, data, { killPriv: false })
  }
  await first.close()

  const second = await logIn(stores, LOGIN)
  const { fs } = second
  const again = await fs.lookup(ROOT_ID, utf8('d'))
  const names: string[] = []
  await fs.readdir(again.id, 0, ({ name }) => names.push(new TextDecoder().decode(name)) > 0)
  const read = async (name: string): Promise<Uint8Array> => {
    const { id, attr }: { id: NodeId; attr: { size: number } } = await fs.lookup(again.id, utf8(name))
    return (await fs.read(id, 0, attr.size)).slice()
  }
  const [small, large] = [await read('small'), await read('large')]
  await second.close()
  const pointer = stores.pointers.last as SignedPointer
  const tree = await Tree.open({ ...stores, writer: pointer.writer })
  let car = ''
  for await (const piece of exportCar({ tree, blocks: stores.blocks, sha256: crypto.sha256 })) car += toHex(piece)
  return {
    names: names.sort(),
    small: new TextDecoder().decode(small),
    largeHash: toHex(crypto.sha256(large)),
    account: toHex(stores.accounts.readAccount()),
    pointer: toHex(encodePointer(pointer)),
    car,
  }
}
