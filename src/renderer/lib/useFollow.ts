import { useEffect, useRef } from 'react'
import { type FollowOptions, follow } from './follow'

type Options<T> = Omit<FollowOptions<T>, 'signal' | 'waitMs'>

/** Follows while mounted and while `key` stays the same; null follows nothing. */
export function useFollow<T>(key: string | null, options: Options<T>): void {
  const latest = useRef(options)
  useEffect(() => {
    latest.current = options
  })
  useEffect(() => {
    if (key === null) return
    const abort = new AbortController()
    void follow<T>({
      open: (signal) => latest.current.open(signal),
      onValue: (value) => latest.current.onValue(value),
      onError: (error) => latest.current.onError?.(error),
      ends: latest.current.ends,
      signal: abort.signal,
    })
    return () => abort.abort()
  }, [key])
}
