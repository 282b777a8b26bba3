import { type ComponentProps, Suspense, lazy } from 'react'
import { ErrorBoundary } from '../../ui'

/** Markdown, code colours and formulas are half of the page's weight; the composer must not wait for them. */
const Markdown = lazy(() => import('./Markdown'))

/** Until it is there, and for what it cannot draw: the plain text. */
export function LazyMarkdown(props: ComponentProps<typeof Markdown>) {
  const plain = <p className="plain sel">{props.text}</p>
  return (
    <ErrorBoundary fallback={plain}>
      <Suspense fallback={plain}>
        <Markdown {...props} />
      </Suspense>
    </ErrorBoundary>
  )
}
