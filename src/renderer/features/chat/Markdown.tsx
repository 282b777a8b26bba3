import { createMathPlugin } from '@streamdown/math'
import type { AnchorHTMLAttributes, HTMLAttributes, ImgHTMLAttributes, ReactNode } from 'react'
import { type Components, Streamdown } from 'streamdown'
import 'katex/dist/katex.min.css'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { CodeBlock } from './CodeBlock'
import { normalizeMath } from './mathText'

const plugins = { math: createMathPlugin({ errorColor: 'var(--bad)' }) }

function plainText(children: ReactNode): string {
  if (typeof children === 'string') return children
  if (Array.isArray(children)) return children.map(plainText).join('')
  return ''
}

function Code({ className, children, ...rest }: HTMLAttributes<HTMLElement>) {
  if (!('data-block' in rest)) return <code>{children}</code>
  return <CodeBlock code={plainText(children).replace(/\n$/, '')} language={/language-([\w+#.-]+)/.exec(className ?? '')?.[1] ?? ''} />
}

/** Nothing opens by itself: main shows the whole address and asks. */
function Link({ href, children }: AnchorHTMLAttributes<HTMLAnchorElement>) {
  const { chat } = useMessages()
  const web = href !== undefined && /^https?:\/\//i.test(href)
  if (!web) return <span>{children}</span>
  return (
    <a
      href={href}
      title={chat.openLink({ address: href })}
      onClick={(event) => {
        event.preventDefault()
        void client.app.openLink({ url: href })
      }}
      onAuxClick={(event) => event.preventDefault()}
    >
      {children}
    </a>
  )
}

function Image({ alt }: ImgHTMLAttributes<HTMLImageElement>) {
  const { chat } = useMessages()
  return <span className="tag">{chat.imageNotLoaded({ alt: alt ?? '' })}</span>
}

function Text({ children }: HTMLAttributes<HTMLElement>) {
  return <>{children}</>
}

function Nothing() {
  return null
}

function Table({ children }: HTMLAttributes<HTMLTableElement>) {
  return (
    <div className="table-scroll">
      <table>{children}</table>
    </div>
  )
}

const plainTags = [
  'blockquote',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'hr',
  'li',
  'ol',
  'ul',
  'p',
  'section',
  'strong',
  'sub',
  'sup',
  'thead',
  'tbody',
  'tr',
  'th',
  'td',
]

/** Our own elements instead of the library's styled ones: one look, and nothing remote can be asked for. */
const components = {
  ...Object.fromEntries(plainTags.map((tag) => [tag, tag])),
  a: Link,
  img: Image,
  table: Table,
  code: Code,
  picture: Text,
  source: Nothing,
} as Components

export default function Markdown({ text, streaming }: { text: string; streaming: boolean }) {
  return (
    <Streamdown
      className="md sel"
      mode={streaming ? 'streaming' : 'static'}
      parseIncompleteMarkdown={streaming}
      isAnimating={streaming}
      plugins={plugins}
      components={components}
      controls={false}
      linkSafety={{ enabled: false }}
    >
      {normalizeMath(text)}
    </Streamdown>
  )
}
