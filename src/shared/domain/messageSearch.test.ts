import { expect, test } from 'vitest'
import { indexTokens, matchExpression, snippetOf } from './messageSearch'

test('words are tokens; scripts without spaces are pairs and a last character', () => {
  expect(indexTokens('Hello, World! n_ctx=4096')).toBe('hello world n ctx 4096')
  expect(indexTokens('量化模型')).toBe('量化 化模 模型 型')
  expect(indexTokens('用Q4_K_M量化。好')).toBe('用 q4 k m 量化 化 好')
  expect(indexTokens('データ 한국어')).toBe('デー ータ タ 한국 국어 어')
  // Beyond the basic plane a character is two UTF-16 units.
  expect(indexTokens('𠮷野家')).toBe('𠮷野 野家 家')
  expect(indexTokens('🙂 … !')).toBe('')
})

test('case, accents, width and composed or decomposed spelling make no difference', () => {
  const plain = indexTokens('cafe ecole 4b')
  for (const spelling of ['Café ÉCOLE 4B', 'Cafe\u0301 E\u0301cole 4b', 'ＣＡＦÉ école ４Ｂ']) expect(indexTokens(spelling)).toBe(plain)
  expect(indexTokens('か\u3099')).toBe(indexTokens('が'))
  // Marks of other scripts are part of their words.
  expect(indexTokens('हिन्दी')).toBe('हिन्दी')
})

test('a query: every word, the last one as a beginning, what is typed together side by side', () => {
  expect(matchExpression('llama runs fas')).toBe('"llama" AND "runs" AND "fas" *')
  expect(matchExpression('fast ')).toBe('"fast"')
  expect(matchExpression('量')).toBe('"量" *')
  expect(matchExpression('量化')).toBe('"量化"')
  expect(matchExpression('量化模型 gpu')).toBe('"量化 化模 模型" AND "gpu" *')
  expect(matchExpression('n_ct')).toBe('"n ct" *')
  expect(matchExpression('模型model')).toBe('"模型 型 model" *')
  expect(matchExpression('model模')).toBe('"model 模" *')
})

test('nothing that is typed is syntax, and punctuation alone looks for nothing', () => {
  for (const query of ['', '  ', '"', '*', '()', '^ - + :', "'; DROP TABLE messages; --".replace(/\p{L}+/gu, '')])
    expect(matchExpression(query)).toBeNull()
  expect(matchExpression('"a" OR NOT b* NEAR(c, 2) {d e}: ^f')).toBe(
    '"a" AND "or" AND "not" AND "b" AND "near c" AND "2" AND "d" AND "e" AND "f" *',
  )
})

test('a snippet has the hits marked as data, where most of the query is', () => {
  const far = 'speed '.repeat(60)
  expect(snippetOf('The  Llama\nruns fast.', 'llama fas')).toEqual([
    { text: 'The ', hit: false },
    { text: 'Llama', hit: true },
    { text: ' runs ', hit: false },
    { text: 'fas', hit: true },
    { text: 't.', hit: false },
  ])
  const cut = snippetOf(`${far}and the Café of quantization speed ${far}`, 'CAFE speed')
  expect(cut[0]).toEqual({ text: '…', hit: false })
  expect(cut.at(-1)).toEqual({ text: '…', hit: false })
  expect(cut.filter(({ hit }) => hit).map(({ text }) => text)).toContain('Café')
  expect(cut.map(({ text }) => text).join('').length).toBeLessThan(140)
  expect(snippetOf('把模型量化成四位的量化', '量化').filter(({ hit }) => hit)).toHaveLength(2)
  expect(snippetOf('<b>bold</b>', 'bold')).toContainEqual({ text: 'bold', hit: true })
  expect(snippetOf('fasten', 'fast ')).toEqual([{ text: 'fasten', hit: false }])
  expect(snippetOf('', 'x')).toEqual([])
})
