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
    const files = [...event.dataTransfer.files]
    if (files.length === 0) return
    const paths = files.map((file) => webUtils.getPathForFile(file)).filter((path) => path !== '')
    const ticket = crypto.randomUUID()
    // A picture out of another program has no path; its ticket stands for nothing, and the page says that nothing was found.
    if (paths.length > 0) ipcRenderer.send('snug:dropped', { ticket, paths })
    window.postMessage({ type: 'snug:dropped', ticket }, location.origin)
  },
  true,
)
