import { type RefCallback, useState } from 'react'

/** A reader who scrolls down to so near the end is there again, CSS pixels. */
const nearPx = 24
/** The end itself: a zoomed page rounds. */
const endPx = 2

interface Place {
  top: number
  height: number
  seen: number
}

/** Whether the end is held after the page has scrolled: only the reader leaves it, whereas text that grows or shrinks does not. */
export function holdsEnd(held: boolean, topBefore: number, { top, height, seen }: Place): boolean {
  const left = height - seen - top
  if (left <= endPx) return true
  if (held) return top >= topBefore
  return top > topBefore && left <= nearPx
}

interface Sticking {
  /** For what scrolls, and for what grows in it. */
  scrollRef: RefCallback<HTMLElement>
  contentRef: RefCallback<HTMLElement>
  element: () => HTMLElement | null
  scrollToBottom: () => void
}

/**
 * Keeps the end of a growing text in sight while the reader is there, in the very frame in which it grew: observers of a size are told
 * after layout and before paint. To scroll in a later frame would draw each update twice.
 */
export function useStickToBottom(): Sticking & { isAtBottom: boolean } {
  const [isAtBottom, setAtBottom] = useState(true)
  const [sticking] = useState(() => createSticking(setAtBottom))
  return { ...sticking, isAtBottom }
}

function createSticking(tell: (atBottom: boolean) => void): Sticking {
  let list: HTMLElement | null = null
  let held = true
  let top = 0
  const hold = (now: boolean) => {
    if (now !== held) tell(now)
    held = now
  }
  const toEnd = () => {
    if (list === null) return
    list.scrollTop = list.scrollHeight
    top = list.scrollTop
  }
  const onScroll = () => {
    if (list === null) return
    const place = { top: list.scrollTop, height: list.scrollHeight, seen: list.clientHeight }
    hold(holdsEnd(held, top, place))
    top = place.top
  }
  const sizes = new ResizeObserver(() => {
    if (held) toEnd()
  })
  return {
    scrollRef: (element) => {
      if (element === null) return
      list = element
      element.addEventListener('scroll', onScroll, { passive: true })
      sizes.observe(element)
      return () => {
        element.removeEventListener('scroll', onScroll)
        sizes.unobserve(element)
        list = null
      }
    },
    contentRef: (element) => {
      if (element === null) return
      sizes.observe(element)
      return () => sizes.unobserve(element)
    },
    element: () => list,
    scrollToBottom: () => {
      hold(true)
      toEnd()
    },
  }
}
