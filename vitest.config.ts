import { defineConfig } from 'vitest/config';

const nodeModules = '**/node_modules/**';

// unit: pure modules, no sockets. integration: sockets and the simulator. cluster: real components
// from .tools/bin, one file at a time because they share two cores with three kube-apiservers.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [nodeModules, 'test/cluster/**', 'test/integration/**'],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
