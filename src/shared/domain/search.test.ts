import { expect, it } from 'vitest'
import type { SearchHit } from './library'
import { licenceMatches, noSearchFilters, parametersInName, passesSearch } from './search'

it.each([
  ['Qwen/Qwen3-8B-GGUF', 8e9],
  ['HuggingFaceTB/SmolLM2-135M-Instruct-GGUF', 135e6],
  ['bartowski/Meta-Llama-3.1-70B-Instruct-GGUF', 70e9],
  ['unsloth/Qwen3-30B-A3B-GGUF', 30e9],
  ['TheBloke/Mixtral-8x7B-v0.1-GGUF', 56e9],
  ['maker/model_1.7b-q8', 1.7e9],
  ['maker/gpt-oss-GGUF', null],
  ['maker/Phi-4-GGUF', null],
  ['maker/v0.1-4bit', null],
])('reads the size in %s', (name, parameters) => expect(parametersInName(name)).toBe(parameters))

it('knows terms that count together', () => {
  expect(licenceMatches('apache-2.0', 'Apache-2.0')).toBe(true)
  expect(licenceMatches('mit', 'MIT + Apache-2.0')).toBe(true)
  expect(licenceMatches('mit', 'MIT + Llama 3.1 Community')).toBe(false)
  expect(licenceMatches('llama', 'MIT + Llama 3.1 Community')).toBe(true)
  expect(licenceMatches('llama', 'llama3.3')).toBe(true)
  expect(licenceMatches('permissive', 'bsd-3-clause')).toBe(true)
  expect(licenceMatches('permissive', 'MIT + Gemma terms')).toBe(false)
  expect(licenceMatches('non-commercial', 'cc-by-nc-4.0')).toBe(true)
  expect(licenceMatches('non-commercial', 'cc-by-4.0')).toBe(false)
  expect(licenceMatches('permissive', null)).toBe(false)
  expect(licenceMatches('openrail', 'openrail')).toBe(true)
})

it('says neither yes nor no of what the hub does not tell', () => {
  const hit: SearchHit = {
    repository: 'a/b-8B',
    downloads: null,
    likes: null,
    licence: 'mit',
    updatedAt: null,
    parameters: 8e9,
    languages: [],
    gated: false,
    fits: null,
  }
  expect(passesSearch(hit, noSearchFilters)).toBe('yes')
  expect(passesSearch(hit, { ...noSearchFilters, size: 'light', licence: 'mit' })).toBe('yes')
  expect(passesSearch(hit, { ...noSearchFilters, language: 'zh' })).toBe('unknown')
  expect(passesSearch(hit, { ...noSearchFilters, language: 'zh', size: 'heavy' })).toBe('no')
  expect(passesSearch({ ...hit, parameters: null }, { ...noSearchFilters, size: 'light' })).toBe('unknown')
  expect(passesSearch({ ...hit, languages: ['en', 'zh'] }, { ...noSearchFilters, language: 'zh' })).toBe('yes')
})
