import { defineConfig } from 'vitest/config'

/**
 * Real mounts run one at a time; everything else side by side. In a whole check a mount test that fails is run once more:
 * what it waits for (a killed process, a lazy unmount) is the kernel's to say when.
 */
export default defineConfig({
  test: {
    allowOnly: false,
    setupFiles: ['test/support/seed.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/mount/**'], maxWorkers: 2 } },
      { extends: true, test: { name: 'mount', include: ['test/mount/**/*.test.ts'], fileParallelism: false, retry: process.env['CI'] === 'true' ? 1 : 0 } },
    ],
  },
})
