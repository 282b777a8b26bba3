import type { EngineEvent } from '@shared/engine/protocol'
import type { Messages } from '@shared/i18n'
import type { Answer } from './chatSession'
import type { Output } from './output'

export interface Printer {
  event(event: EngineEvent): void
  end(answer: Answer): void
  /** The answer broke off: what is printed next is none of it. */
  cut(): void
}

/** What of the conversation it was written without, and why it ends where it ends; nothing of one that simply came to its end. */
function remarks({ stats, fallback }: Answer, { cli }: Messages): string[] {
  return [
    ...(fallback === null ? [] : [cli.fallbackTemplate({ name: fallback })]),
    ...(stats.droppedMessages === undefined ? [] : [cli.contextDropped({ count: stats.droppedMessages })]),
    ...(stats.stopReason === 'context-full' ? [cli.endedByContext] : []),
    ...(stats.stopReason === 'max-tokens' ? [cli.endedByLimit] : []),
  ]
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
    end(given) {
      const { answer, thought, stats, fallback } = given
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
      for (const remark of remarks(given, out.words)) out.note(remark)
      const rate = stats.evalTokensPerSecond.toFixed(1)
      out.note(out.words.cli.stats({ rate, first: (stats.ttftMs / 1000).toFixed(2), tokens: stats.evalTokens }))
    },
    cut() {
      if (out.json) return
      out.text(inThought && dim ? '\x1b[0m\n' : '\n')
      inThought = false
    },
  }
}
