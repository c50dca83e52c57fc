// Builds the browser code into build/web: hashed assets, and a manifest that the server's page shell reads.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [svelte()],
  base: '/',
  publicDir: 'public',
  build: {
    outDir: '../build/web',
    emptyOutDir: true,
    manifest: 'manifest.json',
    target: 'es2022',
    rollupOptions: { input: 'src/main.ts' },
  },
})
