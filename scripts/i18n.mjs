import { importTypescript } from './lib/typescript.mjs'

/**
 * Both languages have the same texts with the same number of parameters. The compiler sees missing ones;
 * this also sees empty texts, and Chinese that was left in English.
 */
const { messages } = await importTypescript('src/shared/i18n/index.ts')
const problems = []
/** The starter model speaks English only, so what it is asked is English in both; a cancelled call is never shown. */
const exempt = /^(cli\.question|chat\.samples\.starter\d|errors\.cancelled\.\w+)$/
/** Names and codes that are the same in both languages. */
const sameInBoth = /^[\s\d\p{P}\p{S}]*$|^(?=.{1,24}$)[A-Za-z0-9 .·/%+:_–-]+$/u

compare('', messages('en'), messages('zh-CN'))
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exit(1)
}

function compare(path, english, chinese) {
  if (exempt.test(path)) return
  if (typeof english !== typeof chinese || Array.isArray(english) !== Array.isArray(chinese)) {
    problems.push(`${path}: ${typeof english} in English, ${typeof chinese} in Chinese`)
  } else if (typeof english === 'string') {
    if (english.trim() === '' || chinese.trim() === '') problems.push(`${path}: empty`)
    else if (!/\p{Script=Han}/u.test(chinese) && !sameInBoth.test(chinese)) problems.push(`${path}: not Chinese: ${chinese}`)
  } else if (typeof english === 'function') {
    if (english.length !== chinese.length) problems.push(`${path}: ${english.length} and ${chinese.length} parameters`)
  } else if (english !== null && typeof english === 'object') {
    for (const key of new Set([...Object.keys(english), ...Object.keys(chinese)])) {
      const inner = path === '' ? key : `${path}.${key}`
      if (!(key in english)) problems.push(`${inner}: missing in English`)
      else if (!(key in chinese)) problems.push(`${inner}: missing in Chinese`)
      else compare(inner, english[key], chinese[key])
    }
  }
}
