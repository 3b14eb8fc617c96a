import { defineConfig } from 'vitest/config'

/** Real mounts run one at a time; everything else side by side. */
export default defineConfig({
  test: {
    allowOnly: false,
    setupFiles: ['test/support/seed.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/mount/**'], maxWorkers: 2 } },
      { extends: true, test: { name: 'mount', include: ['test/mount/**/*.test.ts'], fileParallelism: false } },
    ],
  },
})
