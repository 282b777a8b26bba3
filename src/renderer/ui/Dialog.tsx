import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { useMessages } from '../lib/i18n'

interface DialogProps {
  open: boolean
  onClose: () => void
  title: string
  description?: string
  children: ReactNode
  wide?: boolean
}

export function Dialog({ open, onClose, title, description, children, wide = false }: DialogProps) {
  const { common } = useMessages()
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="scrim" />
        <Base.Popup className={wide ? 'dialog wide' : 'dialog'}>
          <div className="row">
            <Base.Title className="grow">{title}</Base.Title>
            <Base.Close className="ib" aria-label={common.close} title={common.close}>
              <X className="i" aria-hidden="true" />
            </Base.Close>
          </div>
          {description !== undefined && <Base.Description className="t2 f12">{description}</Base.Description>}
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
