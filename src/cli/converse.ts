import { createInterface } from 'node:readline'
import type { PromptMessage } from '@shared/domain/chat'
import type { AnswerOptions, ChatSession } from './chatSession'
import type { Output } from './output'
import type { Printer } from './printer'

export interface Conversation {
  session: ChatSession
  /** What was said before, a system message for instance; grows. */
  messages: PromptMessage[]
  options: AnswerOptions
  out: Output
  printer: Printer
  signal: AbortSignal
}

/** A conversation in the terminal; under `--json` each line of stdin is a user turn. Ctrl+C stops an answer, at the prompt it ends. */
export async function converse({ session, messages, options, out, printer, signal }: Conversation): Promise<void> {
  const terminal = process.stdin.isTTY && !out.json
  if (terminal) out.note(`${session.name}\n${out.words.cli.chatHint}`)
  const lines = createInterface({
    input: process.stdin,
    output: terminal ? process.stderr : undefined,
    terminal,
    prompt: `${out.words.cli.you}> `,
  })
  let stop: AbortController | null = null
  lines.on('SIGINT', () => (stop === null ? lines.close() : stop.abort()))
  signal.addEventListener('abort', () => lines.close(), { once: true })
  if (terminal) lines.prompt()
  for await (const line of lines) {
    if (signal.aborted) return
    if (line.trim() !== '') {
      messages.push({ role: 'user', content: line })
      stop = new AbortController()
      try {
        const answer = await session.answerTurn(messages, options, AbortSignal.any([signal, stop.signal]), printer.event)
        printer.end(answer)
        messages.push({ role: 'assistant', content: answer.answer, ...(answer.thought === '' ? {} : { thought: answer.thought }) })
      } catch (error) {
        messages.pop()
        if (signal.aborted) return
        printer.cut()
        if (!terminal) throw error
        out.fail(error)
      } finally {
        stop = null
      }
    }
    if (terminal) lines.prompt()
  }
}
