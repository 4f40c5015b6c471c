import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// While developing, everything that is not the page comes from a running node (or from `npm run dev:stack`).
const node = process.env['HANSE_URL'] ?? 'http://localhost:8080';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // data: addresses would need a wider content security policy
    modulePreload: { polyfill: false },
    reportCompressedSize: false, // scripts/sizes.mjs reports, and fails over the budget
  },
  server: {
    port: 5173,
    proxy: { '/rpc': node, '/api': node, '/ws': { target: node, ws: true } },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
