import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { amxBuilds } from './cpuFeatures'

const packages = join(import.meta.dirname, '../../node_modules/@node-llama-cpp')

const platform = `linux-${process.arch}`
const folders = readdirSync(packages)
  .filter((name) => name.startsWith(platform))
  .map((name) => join(packages, name, 'bins', name))
  .filter((path) => existsSync(path))

test.skipIf(process.platform !== 'linux')('one libggml-base.so serves the builds for all backends', () => {
  const files = folders.map((folder) => join(folder, 'libggml-base.so')).filter((path) => existsSync(path))
  expect(files).toContain(join(packages, platform, 'bins', platform, 'libggml-base.so'))
  expect(new Set(files.map((path) => createHash('sha256').update(readFileSync(path)).digest('hex'))).size).toBe(1)
})

/** What ggml's base library takes from glibc must not be freed by Electron's `free`. */
test.skipIf(process.platform !== 'linux')('of the libraries for the processor only those with AMX take or free memory themselves', () => {
  const libraries = folders
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
    .filter((path) => path.includes('libggml-cpu'))
  expect(libraries.length).toBeGreaterThan(0)
  const memory = ['malloc', 'calloc', 'realloc', 'posix_memalign', 'aligned_alloc', 'free']
  const own = libraries.filter((path) => memory.some((name) => importsOf(path).has(name)))
  expect(own).toEqual(libraries.filter((path) => amxBuilds.test(path)))
})

/** Names that a library takes from others: the undefined symbols in the table of its dynamic linker (ELF, 64 bits, little endian). */
function importsOf(path: string): Set<string> {
  const file = readFileSync(path)
  const sectionAt = (index: number) => Number(file.readBigUInt64LE(0x28)) + index * file.readUInt16LE(0x3a)
  const partOf = (index: number) => {
    const [at, bytes] = [0x18, 0x20].map((field) => Number(file.readBigUInt64LE(sectionAt(index) + field))) as [number, number]
    return file.subarray(at, at + bytes)
  }
  const dynamicSymbols = 11
  const count = file.readUInt16LE(0x3c)
  const table = Array.from({ length: count }, (_, index) => index).find(
    (index) => file.readUInt32LE(sectionAt(index) + 4) === dynamicSymbols,
  )
  if (table === undefined) throw new Error(`${path} has no dynamic symbols`)
  const [symbols, names] = [partOf(table), partOf(file.readUInt32LE(sectionAt(table) + 0x28))]
  const imports = new Set<string>()
  for (let at = 0; at < symbols.length; at += 24) {
    const name = symbols.readUInt32LE(at)
    if (symbols.readUInt16LE(at + 6) === 0) imports.add(names.toString('latin1', name, names.indexOf(0, name)))
  }
  return imports
}
