interface Focused {
  readonly tagName: string
  readonly value?: unknown
}

/** Whether somebody is in the middle of a text: no other page is shown then by itself, and keys that move in a text do so. */
export function isWriting(element: Focused | Element | null): boolean {
  if (element === null || !/^(textarea|input)$/i.test(element.tagName)) return false
  return 'value' in element && typeof element.value === 'string' && element.value.trim() !== ''
}
