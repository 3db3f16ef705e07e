// `node --import ./electron.mjs main.mjs`: runs what is written for Electron where it cannot run. Of Electron itself
// there are only the calls that the recipe makes; all other packages are npm's.

import { register } from 'node:module'

const modules = new URL('../node_modules/', import.meta.url).href
const electron = `
  export const app = { whenReady: async () => {}, getPath: () => process.env.USER_DATA, quit: () => {} };
  export const safeStorage = { encryptString: (text) => Buffer.from(text).reverse() };
  export const shell = { openExternal: async (url) => console.log("Open: " + url) };`
const hooks = `
  export async function resolve(name, context, next) {
    if (name === "electron") return { url: "data:text/javascript," + encodeURIComponent(${JSON.stringify(electron)}), shortCircuit: true };
    return next(name, /^[a-z]/.test(name) && !name.startsWith("node:") ? { ...context, parentURL: ${JSON.stringify(modules)} } : context);
  }`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
