import { useState } from 'react'
import { useCommand } from '../lib/commands'
import { useMessages } from '../lib/i18n'
import { isMac, keyLabel } from '../lib/keyboard'
import { Dialog } from '../ui'

/** All keys, on Ctrl /. */
export function KeysDialog() {
  const { common } = useMessages()
  const [open, setOpen] = useState(false)
  useCommand('show-keys', () => setOpen(true))
  const rows: [keys: string, what: string][] = [
    ['Ctrl 1 … 5', common.keys.pages],
    ['Ctrl N · Ctrl K · Ctrl F', common.keys.newSearch],
    ['Ctrl M', common.keys.model],
    ['Enter · Shift Enter · Ctrl Enter', common.keys.send],
    ['Escape', common.keys.escape],
    ['↑', common.keys.editLast],
    ['Ctrl R · Ctrl Shift C', common.keys.again],
    ['Alt ← →', common.keys.branch],
    ['Ctrl T · Ctrl .', common.keys.thinking],
    ['Ctrl , · Ctrl / · Ctrl B', common.keys.settings],
  ]
  return (
    <Dialog open={open} onClose={() => setOpen(false)} title={common.keys.title} wide>
      <table className="grid-table keys">
        <tbody>
          {rows.map(([keys, what]) => (
            <tr key={keys}>
              <td className="nw">
                {keys.split(' · ').map((key, index) => (
                  <span key={key}>
                    {index > 0 && ' · '}
                    <kbd>{keyLabel(key, isMac)}</kbd>
                  </span>
                ))}
              </td>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  )
}
