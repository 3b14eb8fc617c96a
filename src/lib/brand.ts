/**
 * Nominal types: a number or byte string that only one function may make.
 * @packageDocumentation
 */

declare const brand: unique symbol

/** `T` with a name the compiler tells apart, also where `T` has one already. It costs nothing at run time. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Readonly<Record<Name, true>> }

/** A value now, or later: what a hot path gives without a promise when it can. */
export type Awaitable<T> = T | Promise<T>
