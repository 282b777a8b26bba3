/** Every place of a text inside an element, over the borders of its inner elements, case ignored. */
export function findText(root: Element, wanted: string): Range[] {
  if (wanted.trim() === '') return []
  const nodes: { node: Text; start: number }[] = []
  let all = ''
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    nodes.push({ node: node as Text, start: all.length })
    all += node.nodeValue ?? ''
  }
  const needle = wanted.toLowerCase()
  const hay = all.toLowerCase()
  // Lower case can be longer than the original (İ); then places would be wrong.
  if (hay.length !== all.length) return []
  const ranges: Range[] = []
  for (let at = hay.indexOf(needle); at !== -1; at = hay.indexOf(needle, at + needle.length)) {
    const from = nodes.findLast(({ start }) => start <= at)
    const to = nodes.findLast(({ start }) => start < at + needle.length)
    if (from === undefined || to === undefined) continue
    const range = document.createRange()
    range.setStart(from.node, at - from.start)
    range.setEnd(to.node, at + needle.length - to.start)
    ranges.push(range)
  }
  return ranges
}
