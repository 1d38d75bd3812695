import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^holdfast$/, replacement: source('index.ts') },
      { find: /^holdfast\/memory$/, replacement: source('storage/memory/index.ts') },
      { find: /^holdfast\/testing$/, replacement: source('testing/index.ts') },
      { find: /^holdfast\/yaml$/, replacement: source('serializer/yaml/index.ts') },
      {
        find: /^holdfast\/write-file-atomic$/,
        replacement: source('atomic-write/write-file-atomic/index.ts'),
      },
      {
        find: /^holdfast\/proper-lockfile$/,
        replacement: source('file-lock/proper-lockfile/index.ts'),
      },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    // Tests wait on conditions. This bound only turns a hang into a failure.
    testTimeout: process.env.HOLDFAST_TORTURE === '1' ? 3_600_000 : 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    minWorkers: 1,
  },
})
