import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
// The primitives come first, so that a page's own rules win over them.
import './ui/tokens.css'
import './ui/base.css'
import './ui/controls.css'
import './ui/meter.css'
import { App } from './app/App'

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
