import { MemoryBlockStore } from '../../src/store/memory-block-store.js'
import { MemoryPointerStore } from '../../src/store/memory-pointer-store.js'
import { blockStoreContract } from '../contract/block-store.js'
import { pointerStoreContract } from '../contract/pointer-store.js'

blockStoreContract('memory', async () => new MemoryBlockStore())
pointerStoreContract('memory', async (crypto) => ({ store: new MemoryPointerStore(crypto) }))
