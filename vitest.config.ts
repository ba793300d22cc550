import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    // Native code, process groups and descriptor counts need a process per file, never threads.
    pool: 'forks',
    // Most of their time passes in waiting for what they started.
    maxWorkers: availableParallelism(),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    restoreMocks: true,
  },
})
