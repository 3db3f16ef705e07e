// Prints what a bundler makes of a recipe that has to be compiled: `node bundle.mjs clients/recipes/react/main.tsx`.

import { build } from 'esbuild'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { compile } from 'svelte/compiler'

const svelte = {
  name: 'svelte',
  setup: ({ onLoad }) => onLoad({ filter: /\.svelte$/ }, async ({ path }) => (
    { contents: compile(await readFile(path, 'utf8'), { filename: path }).js.code, loader: 'js' }
  )),
}
const made = await build({
  entryPoints: [process.argv[2]],
  bundle: true,
  format: 'esm',
  jsx: 'automatic',
  define: {
    'process.env.NODE_ENV': '"production"',
    ...(process.env.VITE_ENV && { 'import.meta.env': process.env.VITE_ENV }),
  },
  nodePaths: [fileURLToPath(new URL('../node_modules', import.meta.url))],
  plugins: [svelte],
  write: false,
})
process.stdout.write(made.outputFiles[0].text)
