import { type HighlightResult, type ThemeInput, createCodePlugin } from '@streamdown/code'
import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useIsCodeFenceIncomplete } from 'streamdown'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { Button } from '../../ui'

/** Our own colours as CSS variables, so that one highlighting serves both themes. */
const theme: ThemeInput = {
  name: 'snug',
  type: 'light',
  colors: { 'editor.foreground': 'var(--text-1)', 'editor.background': 'var(--bg-sunken)' },
  fg: 'var(--text-1)',
  bg: 'var(--bg-sunken)',
  settings: [
    { settings: { foreground: 'var(--text-1)' } },
    { scope: ['comment', 'punctuation.definition.comment'], settings: { foreground: 'var(--code-com)' } },
    { scope: ['keyword', 'storage', 'variable.language', 'entity.name.tag'], settings: { foreground: 'var(--code-key)' } },
    { scope: ['string', 'markup.inline.raw', 'attribute.value'], settings: { foreground: 'var(--code-str)' } },
    { scope: ['constant', 'support.constant', 'entity.other.attribute-name'], settings: { foreground: 'var(--code-num)' } },
    { scope: ['keyword.operator', 'punctuation'], settings: { foreground: 'var(--text-2)' } },
    { scope: ['entity.name.function', 'support.function'], settings: { foreground: 'var(--accent)' } },
  ],
}
const highlighter = createCodePlugin({ themes: [theme, theme] })

/** A block of code; coloured only once it is closed, because the first use of a language blocks for a moment. */
export function CodeBlock({ code, language }: { code: string; language: string }) {
  const { common, chat } = useMessages()
  const incomplete = useIsCodeFenceIncomplete()
  const [result, setResult] = useState<{ code: string; tokens: HighlightResult['tokens'] } | null>(null)
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (incomplete || language === '') return
    const name = language as Parameters<typeof highlighter.supportsLanguage>[0]
    if (!highlighter.supportsLanguage(name)) return
    let live = true
    const show = ({ tokens }: HighlightResult) => live && setResult({ code, tokens })
    const timer = setTimeout(() => {
      const now = highlighter.highlight({ code, language: name, themes: [theme, theme] }, show)
      if (now !== null) show(now)
    }, 60)
    return () => {
      live = false
      clearTimeout(timer)
    }
  }, [code, language, incomplete])
  const copy = () => {
    void client.app.copyText({ text: code }).then(() => {
      setCopied(true)
      setTimeout(() => setCopied(false), 1_500)
    })
  }
  return (
    <div className="code">
      <div className="code-head">
        <span>{language === '' ? chat.plainText : language}</span>
        <Button kind="quiet" size="s" onClick={copy} aria-label={chat.copyCode}>
          {copied ? <Check className="i xs" aria-hidden="true" /> : <Copy className="i xs" aria-hidden="true" />}
          {copied ? common.copied : common.copy}
        </Button>
      </div>
      <pre className="sel">
        <code>{result !== null && result.code === code ? <Coloured tokens={result.tokens} /> : code}</code>
      </pre>
    </div>
  )
}

function Coloured({ tokens }: { tokens: HighlightResult['tokens'] }) {
  return tokens.map((line, row) => (
    <span key={row}>
      {line.map((token) => (
        <span key={token.offset} style={{ color: token.color ?? token.htmlStyle?.color }}>
          {token.content}
        </span>
      ))}
      {row < tokens.length - 1 ? '\n' : null}
    </span>
  ))
}
