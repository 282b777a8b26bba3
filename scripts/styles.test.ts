import { expect, it } from 'vitest'

interface Style {
  file: string
  text: string
}
const { styleProblems } = (await import(new URL('lib/styles.mjs', import.meta.url).href)) as {
  styleProblems: (shared: Style[], features: (Style & { feature: string })[]) => string[]
}

const shared = [{ file: 'ui.css', text: '.row { gap: 4px }\n@media (max-width: 900px) { .btn:hover, .dot { color: red } }' }]
const chat = (text: string) => ({ feature: 'chat', file: 'chat.css', text })
const library = (text: string) => ({ feature: 'library', file: 'library.css', text })

it('fails on a class that two features style, wherever it stands', () => {
  expect(styleProblems(shared, [chat('.hint { color: red }'), library('.lib .hint:hover { color: blue }')])).toEqual([
    '.hint is styled in chat.css and in library.css',
  ])
  expect(styleProblems(shared, [chat('.a, .hint { }'), library('@media print { .lib.hint { } }')])).toHaveLength(1)
})

it('fails on a feature that changes what belongs to all, outside of anything of its own', () => {
  expect(styleProblems(shared, [chat('.row { gap: 8px }')])).toEqual(['chat.css: ".row" changes other features as well'])
  expect(styleProblems(shared, [chat('button.dot > i { }')])).toHaveLength(1)
  expect(styleProblems(shared, [chat('.msgs, .row { }')])).toHaveLength(1)
})

it('leaves alone what keeps to the rules', () => {
  const own =
    '/* .lib */ .msgs .row, .msgs:is(.row, .btn) { gap: 8px }\n@keyframes turn { from { opacity: 0 } 50% { opacity: 1 } }\n::highlight(find) { }'
  expect(styleProblems(shared, [chat(own), library('.lib .row { gap: .5em }')])).toEqual([])
})
