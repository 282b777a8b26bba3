import { Menu as Base } from '@base-ui/react/menu'
import type { ReactElement, ReactNode } from 'react'

export interface MenuEntry {
  id: string
  label: ReactNode
  icon?: ReactNode
  danger?: boolean
  disabled?: boolean
  run: () => void
}

export function Menu({
  trigger,
  entries,
  align = 'end',
}: {
  trigger: ReactElement<Record<string, unknown>>
  entries: readonly MenuEntry[]
  align?: 'start' | 'end'
}) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner className="pop-layer" sideOffset={4} align={align} collisionPadding={8}>
          <Base.Popup className="menu">
            {entries.map((entry) => (
              <Base.Item
                key={entry.id}
                className={entry.danger ? 'menu-item danger' : 'menu-item'}
                disabled={entry.disabled ?? false}
                onClick={entry.run}
              >
                {entry.icon}
                {entry.label}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
