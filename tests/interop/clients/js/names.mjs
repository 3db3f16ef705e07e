// Every public name of each package that is given: what it exports, and the methods of the classes among that.

const found = {}
for (const name of process.argv.slice(2)) {
  const all = await import(name)
  const names = new Set(Object.keys(all))
  for (const one of Object.values({ ...all, ...all.default })) {
    const methods = typeof one === 'function' && one.prototype ? Object.getOwnPropertyNames(one.prototype) : []
    for (const method of methods) names.add(method)
  }
  found[name] = [...names].filter((one) => !one.startsWith('_')).sort()
}
console.log(JSON.stringify(found))
