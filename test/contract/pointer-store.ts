/**
 * What every PointerStore does: `pointerStoreContract('memory', async (crypto) => ({ store: new MemoryPointerStore(crypto) }))`.
 * @packageDocumentation
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Crypto, Signature, SignKeyPair } from '../../src/crypto/crypto.js'
import type { Cid } from '../../src/store/block.js'
import type { PointerStore, Sequence, SignedPointer } from '../../src/store/pointer.js'
import { signPointer, verifyPointer } from '../../src/store/root.js'
import { keyPairOf, testCrypto } from '../support/test-crypto.js'
import { blockOf } from '../support/blocks.js'

export interface OpenPointerStore {
  readonly store: PointerStore
  readonly close?: () => Promise<void>
}

function rootOf(seed: number): Cid {
  return blockOf(seed, 40, 'dag-cbor').cid
}

function pointerOf(pair: SignKeyPair, sequence: number, seed: number): SignedPointer {
  const pointer = { writer: pair.publicKey, sequence: sequence as Sequence, root: rootOf(seed) }
  return signPointer(testCrypto, pointer, pair.secretKey)
}

/** @param open - a fresh, empty store each time, that verifies with the crypto given */
export function pointerStoreContract(name: string, open: (crypto: Crypto) => Promise<OpenPointerStore>): void {
  describe(`pointer store contract: ${name}`, () => {
    const ann = keyPairOf('ann')
    const bob = keyPairOf('bob')
    let opened: OpenPointerStore
    let store: PointerStore

    beforeEach(async () => {
      opened = await open(testCrypto)
      store = opened.store
    })

    afterEach(async () => {
      await opened.close?.()
    })

    async function storedAs(pair: SignKeyPair): Promise<[number, Cid] | undefined> {
      const pointer = await store.get(pair.publicKey)
      if (pointer === undefined) return undefined
      verifyPointer(testCrypto, pair.publicKey, pointer)
      return [pointer.sequence, Uint8Array.from(pointer.root) as Cid]
    }

    test('knows nobody at first', async () => {
      expect(await store.get(ann.publicKey)).toBeUndefined()
    })

    test('keeps each update, one writer apart from another', async () => {
      await store.swap([pointerOf(ann, 1, 1)])
      await store.swap([pointerOf(bob, 1, 2)])
      await store.swap([pointerOf(ann, 2, 3)])
      expect(await storedAs(ann)).toEqual([2, rootOf(3)])
      expect(await storedAs(bob)).toEqual([1, rootOf(2)])
    })

    test.each([[0, 2], [0, 7], [1, 1], [2, 1], [2, 2], [2, 4]])('with %i stored, refuses sequence %i', async (stored, next) => {
      for (let i = 1; i <= stored; i++) await store.swap([pointerOf(ann, i, i)])
      await expect(store.swap([pointerOf(ann, next, 50)])).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await storedAs(ann)).toEqual(stored === 0 ? undefined : [stored, rootOf(stored)])
    })

    test('of two that race for one sequence, one wins', async () => {
      await store.swap([pointerOf(ann, 1, 1)])
      const results = await Promise.allSettled([store.swap([pointerOf(ann, 2, 2)]), store.swap([pointerOf(ann, 2, 3)])])
      const won = results.findIndex((result) => result.status === 'fulfilled')
      expect(results.filter((result) => result.status === 'fulfilled').length).toBe(1)
      expect(await storedAs(ann)).toEqual([2, rootOf(2 + won)])
    })

    test('swaps all or none', async () => {
      await store.swap([pointerOf(ann, 1, 1), pointerOf(bob, 1, 2)])
      await expect(store.swap([pointerOf(ann, 2, 3), pointerOf(bob, 5, 4)])).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(await storedAs(ann)).toEqual([1, rootOf(1)])
      await store.swap([pointerOf(ann, 2, 3), pointerOf(bob, 2, 4)])
      expect(await storedAs(ann)).toEqual([2, rootOf(3)])
      expect(await storedAs(bob)).toEqual([2, rootOf(4)])
    })

    test('refuses what is not signed by its writer, whatever was changed', async () => {
      const good = pointerOf(ann, 1, 1)
      const signature = good.signature.slice() as Signature
      signature[5] = (signature[5] as number) ^ 1
      const bad: SignedPointer[] = [
        { ...good, signature },
        { ...good, root: rootOf(2) },
        { ...good, writer: bob.publicKey },
        { ...good, signature: good.signature.slice(1) as Signature },
      ]
      for (const pointer of bad) await expect(store.swap([pointer])).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
      await expect(store.swap([pointerOf(bob, 1, 1), bad[0] as SignedPointer])).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
      expect(await storedAs(ann)).toBeUndefined()
      expect(await storedAs(bob)).toBeUndefined()
    })

    test('keeps no hold on the buffers given', async () => {
      const pointer = pointerOf(ann, 1, 1)
      const own = { ...pointer, root: pointer.root.slice() as Cid, signature: pointer.signature.slice() as Signature }
      await store.swap([own])
      own.root.fill(0)
      own.signature.fill(0)
      expect(await storedAs(ann)).toEqual([1, rootOf(1)])
    })
  })
}
