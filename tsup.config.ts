import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    memory: 'src/storage/memory/index.ts',
    testing: 'src/testing/index.ts',
    yaml: 'src/serializer/yaml/index.ts',
    'write-file-atomic': 'src/atomic-write/write-file-atomic/index.ts',
    'proper-lockfile': 'src/file-lock/proper-lockfile/index.ts',
  },
  format: ['esm', 'cjs'],
  dts: true,
  sourcemap: true,
  clean: true,
  target: 'node20',
  splitting: true,
})
