import childProcess from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, describe, expect, it } from 'vitest'
import { skipBindingTest } from './bindingTest'

const real = childProcess.fork
afterEach(() => {
  childProcess.fork = real
  syncBuiltinESMExports()
})

describe('skipping the library test of its binary', () => {
  it('answers as a binary that works, and starts no process', async () => {
    skipBindingTest()
    const child = childProcess.fork('/somewhere/utils/testBindingBinary.js')
    const heard: unknown[] = []
    const exit = new Promise((resolve) => child.on('exit', resolve))
    child.on('message', (message) => {
      const { type } = message as { type: string }
      heard.push(type)
      child.send({ type: type === 'ready' ? 'start' : type === 'loaded' ? 'test' : 'exit' })
    })
    expect(await exit).toBe(0)
    expect(heard).toEqual(['ready', 'loaded', 'done'])
    expect(child.pid).toBeUndefined()
  })

  it('leaves every other fork alone', () => {
    let asked: unknown[] = []
    childProcess.fork = (...args: unknown[]) => {
      asked = args
      return undefined as never
    }
    skipBindingTest()
    childProcess.fork('/somewhere/worker.js', ['a'])
    expect(asked).toEqual(['/somewhere/worker.js', ['a']])
  })
})
