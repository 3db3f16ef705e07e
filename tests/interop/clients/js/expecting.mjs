// What a flow has to see; a plain error where it does not, the same in Node and in a page.

export function expect(holds, what) {
  if (!holds) throw new Error(`expected ${what}`)
}

export function wait(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}

export async function expectError(code, attempt) {
  try {
    await attempt()
  } catch (error) {
    const said = [error.error, error.code, error.data?.payload?.error, error.message].join(' ')
    expect(said.includes(code), `an error ${code}, got ${said}`)
    return
  }
  throw new Error(`expected an error ${code}, and nothing was refused`)
}
