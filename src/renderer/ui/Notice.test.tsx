import { messages } from '@shared/i18n'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, it, vi } from 'vitest'
import { ErrorNotice } from './Notice'

// A page's client asks for its port as soon as it is imported.
vi.mock('../lib/client', () => ({ client: {} }))

const en = messages('en')

it('says what a template that refuses says, as text', () => {
  const error = { code: 'template/failed', message: 'm', data: { reason: 'Roles must <b>alternate</b>' } }
  const shown = renderToStaticMarkup(<ErrorNotice error={error} />)
  expect(shown).toContain(en.errors['template/failed'].title)
  expect(shown).toContain('“Roles must &lt;b&gt;alternate&lt;/b&gt;”')
  expect(renderToStaticMarkup(<ErrorNotice error={{ ...error, data: {} }} />)).not.toContain('“')
  expect(renderToStaticMarkup(<ErrorNotice error={{ ...error, code: 'engine/crashed' }} />)).not.toContain('alternate')
})
