// Runs one library through the flows that are named on standard input; a line of JSON for each: what went wrong, or "".
//
//   node run.mjs LIBRARY < scene.json

import { readFileSync } from 'node:fs'

const scene = JSON.parse(readFileSync(0, 'utf8'))
scene.person = (url) => ask('/person', url)
scene.device = (url) => ask('/device', url)
scene.leave = (url) => ask('/leave', url)

async function ask(path, url) {
  const answer = await fetch(scene.helper + path, { method: 'POST', body: String(url) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return text
}

const { flows } = await import(`./${process.argv[2]}.mjs`)
for (const name of scene.flows) {
  let fault = ''
  try {
    if (!flows[name]) throw new Error('the broker offers it, and nobody has written it for this library')
    await flows[name](scene)
  } catch (error) {
    fault = [error.stack, error.cause && JSON.stringify(error.cause), error.cause?.stack].filter(Boolean).join('\n')
  }
  console.log(JSON.stringify({ name, fault }))
}
process.exit(0)
