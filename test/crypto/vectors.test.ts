import { describe, expect, test } from 'vitest'
import type { Nonce, PublicSignKey, Sealed, Signature, SymmetricKey } from '../../src/crypto/crypto.js'
import { sodiumCrypto } from '../../src/crypto/sodium.node.js'
import { tweetnaclCrypto } from '../../src/crypto/tweetnacl.js'
import { fromHex, toHex, utf8 } from '../../src/lib/bytes.js'

/** The order of Ed25519's group, RFC 8032 §5.1. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n

describe.each([sodiumCrypto, tweetnaclCrypto])('published vectors: $name', (crypto) => {
  test.each([
    ['TEST 1', '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', '', 'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b'],
    ['TEST 2', '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', '72', '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'],
    ['TEST 3', 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7', 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025', 'af82', '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'],
  ])('Ed25519, RFC 8032 §7.1 %s', (_title, seed, publicKey, message, signature) => {
    const pair = crypto.signKeyPair(fromHex(seed))
    expect(toHex(pair.publicKey)).toBe(publicKey)
    expect(toHex(crypto.sign(fromHex(message), pair.secretKey))).toBe(signature)
    expect(crypto.verify(fromHex(message), fromHex(signature) as Signature, pair.publicKey)).toBe(true)
  })

  test('Ed25519, RFC 8032 §5.1.7: a signature whose S is not below the order is refused', () => {
    const pair = crypto.signKeyPair(new Uint8Array(32).fill(7))
    const message = utf8('signed once')
    const signature = crypto.sign(message, pair.secretKey)
    const s = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + L
    const second = signature.slice() as Signature
    second.set(fromHex(s.toString(16).padStart(64, '0')).reverse(), 32)
    expect(crypto.verify(message, signature, pair.publicKey)).toBe(true)
    expect(crypto.verify(message, second, pair.publicKey)).toBe(false)
  })

  // under such a key, S = 0 and R = the identity verify for every message or for every eighth
  test.each(['01' + '00'.repeat(31), '00'.repeat(32), '01' + '00'.repeat(30) + '80', 'ec' + 'ff'.repeat(30) + '7f', 'ee' + 'ff'.repeat(30) + '7f', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'])('Ed25519, a key of small order or second form is refused: %s', (key) => {
    for (const r of ['01' + '00'.repeat(31), key]) {
      const signature = fromHex(r + '00'.repeat(32)) as Signature
      for (let i = 0; i < 16; i++) expect(crypto.verify(Uint8Array.of(i), signature, fromHex(key) as PublicSignKey)).toBe(false)
    }
  })

  test('secretbox, NaCl tests/secretbox.c', () => {
    const key = fromHex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389') as SymmetricKey
    const nonce = fromHex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37') as Nonce
    const plain =
      'be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31' +
      '0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705'
    const sealed =
      'f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c972' +
      '71d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b3' +
      '7973f622a43d14a6599b1f654cb45a74e355a5'
    expect(toHex(crypto.seal(fromHex(plain), nonce, key))).toBe(sealed)
    expect(toHex(crypto.open(fromHex(sealed) as Sealed, nonce, key) as Uint8Array)).toBe(plain)
  })

  // HMAC pads a short key with zeros, so these keys may be written as 32 bytes
  test.each([
    ['test case 1', '0b'.repeat(20), utf8('Hi There'), '87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde'],
    ['test case 2', toHex(utf8('Jefe')), utf8('what do ya want for nothing?'), '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554'],
    ['test case 3', 'aa'.repeat(20), new Uint8Array(50).fill(0xdd), 'fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39'],
  ])('HMAC-SHA-512 cut to 32 bytes, RFC 4231 §4 %s', (_title, key, message, tag) => {
    expect(toHex(crypto.auth(message, fromHex(key.padEnd(64, '0')) as SymmetricKey))).toBe(tag)
  })

  test.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
  ])('sha2-256 of %j, FIPS 180-2 appendix B', (text, digest) => {
    expect(toHex(crypto.sha256(utf8(text)))).toBe(digest)
  })

  test('X25519, RFC 7748 §6.1', () => {
    const pair = crypto.boxKeyPair(fromHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'))
    expect(toHex(pair.publicKey)).toBe('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
  })

  test.each([
    ['', '', { logN: 4, r: 1, p: 1 }, '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906'],
    ['password', 'NaCl', { logN: 10, r: 8, p: 16 }, 'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640'],
    ['pleaseletmein', 'SodiumChloride', { logN: 14, r: 8, p: 1 }, '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887'],
  ])('scrypt of %j, RFC 7914 §12', async (password, salt, cost, key) => {
    expect(toHex(await crypto.scrypt(utf8(password), utf8(salt), { ...cost, length: 64 }))).toBe(key)
  })
})
