import { ipcRenderer, webUtils } from 'electron'

/** All that crosses here: one message port, and the paths of files a person really dropped (main answers the page by a ticket). */
window.addEventListener('message', (event) => {
  const port = event.ports[0]
  if (event.source !== window || event.origin !== location.origin || event.data !== 'snug:connect' || port === undefined) return
  ipcRenderer.postMessage('snug:connect', null, [port])
})

window.addEventListener('dragover', (event) => event.preventDefault())
window.addEventListener(
  'drop',
  (event) => {
    event.preventDefault()
    if (!event.isTrusted || event.dataTransfer === null) return
    const paths = [...event.dataTransfer.files].map((file) => webUtils.getPathForFile(file)).filter((path) => path !== '')
    if (paths.length === 0) return
    const ticket = crypto.randomUUID()
    ipcRenderer.send('snug:dropped', { ticket, paths })
    window.postMessage({ type: 'snug:dropped', ticket }, location.origin)
  },
  true,
)
