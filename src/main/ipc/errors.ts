import { ORPCError, os } from '@orpc/server'
import { SnugError, toErrorValue } from '@shared/errors'
import type { Log } from '@shared/log'

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** Errors cross as code, message and data; anything that is not ours is a bug: logged here with its stack, told to the page in one plain sentence. */
export function errorMiddleware(log: Log) {
  const convert = (error: unknown): unknown => {
    if (error instanceof ORPCError) return error
    const { code, message, data } = toErrorValue(error)
    if (code === 'internal/bug') log.error('a call failed', error)
    else if (error instanceof SnugError && code !== 'cancelled') log.info(`a call ended with ${code}: ${message}`)
    return new ORPCError(code, { message: code === 'internal/bug' ? 'internal error' : message, data })
  }
  async function* guarded(source: AsyncIterable<unknown>) {
    try {
      yield* source
    } catch (error) {
      throw convert(error)
    }
  }
  return os.middleware(async ({ next }) => {
    try {
      const result = await next()
      return isAsyncIterable(result.output) ? { ...result, output: guarded(result.output) as typeof result.output } : result
    } catch (error) {
      throw convert(error)
    }
  })
}
