import type { EngineEvent } from '@shared/engine/protocol'
import type { Answer } from './chatSession'
import type { Output } from './output'

export interface Printer {
  event(event: EngineEvent): void
  end(answer: Answer): void
}

/** An answer as it comes: `--json` one line per event, else the text on stdout with thoughts dimmed on a terminal. */
export function createPrinter(out: Output, stream: boolean): Printer {
  const dim = process.stdout.isTTY
  let inThought = false
  const switchTo = (thought: boolean) => {
    if (thought === inThought) return
    inThought = thought
    if (thought) out.text(`${dim ? '\x1b[2m' : ''}${out.words.cli.thinking}\n`)
    else out.text(`${dim ? '\x1b[0m' : ''}\n${out.words.cli.thoughtEnd}\n`)
  }
  const text = (segment: 'answer' | 'thought', part: string) => {
    if (part === '') return
    if (out.json) {
      out.event({ type: segment, text: part })
      return
    }
    switchTo(segment === 'thought')
    out.text(part)
  }
  return {
    event(event) {
      if (event.kind === 'prefill') out.progress(out.words.cli.reading({ done: event.done, total: event.total }))
      if (event.kind === 'delta' && stream) text(event.segment, event.text)
    },
    end({ answer, thought, stats, fallback }) {
      if (!stream) {
        text('thought', thought)
        text('answer', answer)
      }
      if (out.json) {
        out.event({ type: 'done', stats, ...(fallback === null ? {} : { fallback }) })
        return
      }
      switchTo(false)
      out.text('\n')
      if (fallback !== null) process.stderr.write(`${out.words.cli.fallbackTemplate({ name: fallback })}\n`)
      const rate = stats.evalTokensPerSecond.toFixed(1)
      process.stderr.write(`${out.words.cli.stats({ rate, first: (stats.ttftMs / 1000).toFixed(2), tokens: stats.evalTokens })}\n`)
    },
  }
}
