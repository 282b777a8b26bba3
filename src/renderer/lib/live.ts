import { useSyncExternalStore } from 'react'
import { client } from './client'
import { type Open, follow } from './follow'

/** One shared subscription for all components that look at the same thing. */
export interface Live<T> {
  subscribe(listener: () => void): () => void
  get(): T | undefined
}

/** A page change must not end and reopen a stream. */
const graceMs = 1_000

export function live<T>(open: Open<T>): Live<T> {
  const listeners = new Set<() => void>()
  let value: T | undefined
  let abort: AbortController | null = null
  const start = () => {
    if (abort !== null) return
    abort = new AbortController()
    void follow<T>({
      open,
      ends: false,
      signal: abort.signal,
      onValue: (next) => {
        value = next
        for (const listener of listeners) listener()
      },
    })
  }
  return {
    get: () => value,
    subscribe(listener) {
      listeners.add(listener)
      start()
      return () => {
        listeners.delete(listener)
        setTimeout(() => {
          if (listeners.size > 0) return
          abort?.abort()
          abort = null
        }, graceMs)
      }
    },
  }
}

/** undefined until the first snapshot is there. */
export function useLive<T>(store: Live<T>): T | undefined {
  return useSyncExternalStore(store.subscribe, store.get)
}

export const settingsLive = live((signal) => client.app.followSettings(undefined, { signal }))
export const conversationsLive = live((signal) => client.chat.followConversations(undefined, { signal }))
export const engineLive = live((signal) => client.engine.follow(undefined, { signal }))
export const libraryLive = live((signal) => client.library.follow(undefined, { signal }))
export const libraryWorkLive = live((signal) => client.library.followWork(undefined, { signal }))
export const downloadsLive = live((signal) => client.downloads.follow(undefined, { signal }))
export const machineLive = live((signal) => client.machine.follow(undefined, { signal }))
export const calibrationLive = live((signal) => client.machine.followCalibration(undefined, { signal }))
export const copyTestLive = live((signal) => client.discover.followTest(undefined, { signal }))
