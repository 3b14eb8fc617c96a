/**
 * One seed for all properties, so that a run can be had again: BROCH_SEED=N, or BROCH_SEED=random.
 * @packageDocumentation
 */
import fc from 'fast-check'

const wanted = process.env['BROCH_SEED'] ?? '1'
export const SEED = wanted === 'random' ? Date.now() % 2 ** 31 : Number(wanted)

fc.configureGlobal({ seed: SEED })
