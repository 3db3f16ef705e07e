// A page that runs one flow of a library when it is told to. The person goes through a window of its own; this page
// waits for what comes back there.

window.begin = (library, name, scene) => {
  window.outcome = null
  attempt(library, name, scene).then(
    () => { window.outcome = '' },
    (error) => { window.outcome = [error.stack, error.cause && JSON.stringify(error.cause)].filter(Boolean).join('\n') },
  )
}

async function attempt(library, name, scene) {
  const { flows } = await import(`/js/${library}.mjs`)
  if (!flows[name]) throw new Error('the broker offers it, and nobody has written it for this library')
  await flows[name]({ ...scene, person, device: (url) => void window.open(url) })
}

// Opens the address and waits until the window has come back to this origin.
function person(url) {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel('callback')
    channel.onmessage = (message) => {
      channel.close()
      resolve(message.data)
    }
    window.open(url)
  })
}
