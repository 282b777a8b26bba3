import { Toast as Base } from '@base-ui/react/toast'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { useMessages } from '../lib/i18n'

const manager = Base.createToastManager()

/** Only for what happened elsewhere, or can be undone; what happens here shows here. */
export function toast(title: string, action?: { label: string; run: () => void }): void {
  const id = manager.add({
    title,
    timeout: action === undefined ? 4_000 : 8_000,
    ...(action === undefined
      ? {}
      : {
          actionProps: {
            children: action.label,
            onClick: () => {
              action.run()
              manager.close(id)
            },
          },
        }),
  })
}

export function ToastArea({ children }: { children: ReactNode }) {
  const { common } = useMessages()
  return (
    <Base.Provider toastManager={manager} limit={3}>
      {children}
      <Base.Portal>
        <Base.Viewport className="toasts" aria-label={common.notifications}>
          <ToastList />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  )
}

function ToastList() {
  const { common } = useMessages()
  const { toasts } = Base.useToastManager()
  return toasts.map((entry) => (
    <Base.Root key={entry.id} toast={entry} className="toast" swipeDirection={[]}>
      <Base.Title className="grow" />
      <Base.Action className="btn quiet s" />
      <Base.Close className="ib s" aria-label={common.close} title={common.close}>
        <X className="i s" aria-hidden="true" />
      </Base.Close>
    </Base.Root>
  ))
}
