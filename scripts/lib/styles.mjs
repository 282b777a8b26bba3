/**
 * The styles of all features end in one page, so a class name that two features use is one that they fight about.
 * A name of `ui` is everybody's; a feature may change what it looks like only inside something of its own.
 * @param {{ file: string, text: string }[]} shared styles of `ui`
 * @param {{ feature: string, file: string, text: string }[]} features
 * @returns {string[]} one line for each problem
 */
export function styleProblems(shared, features) {
  const everybodys = new Set(shared.flatMap(({ text }) => selectors(text).flatMap(classes)))
  /** @type {Map<string, { feature: string, file: string }>} */
  const owners = new Map()
  const problems = new Set()
  for (const { feature, file, text } of features) {
    for (const selector of selectors(text)) {
      const own = classes(selector).filter((name) => !everybodys.has(name))
      for (const name of own) {
        const owner = owners.get(name) ?? { feature, file }
        owners.set(name, owner)
        if (owner.feature !== feature) problems.add(`.${name} is styled in ${owner.file} and in ${file}`)
      }
      if (own.length === 0 && !selector.startsWith('::highlight(')) problems.add(`${file}: "${selector}" changes other features as well`)
    }
  }
  return [...problems]
}

/** @param {string} css */
function selectors(css) {
  const plain = css.replace(/\/\*[\s\S]*?\*\//g, '')
  const found = []
  for (const [, prelude] of plain.matchAll(/([^{};]+)\{/g)) {
    const text = prelude.trim()
    // Not of classes: conditions, whose inner rules are found by themselves, and the steps of an animation.
    if (text.startsWith('@') || /^(from|to|[\d.]+%)(\s*,|$)/.test(text)) continue
    found.push(...text.split(/,(?![^(]*\))/).map((one) => one.trim().replace(/\s+/g, ' ')))
  }
  return found
}

/** @param {string} selector */
function classes(selector) {
  return [...selector.matchAll(/\.(-?[A-Za-z_][\w-]*)/g)].map(([, name]) => name)
}
