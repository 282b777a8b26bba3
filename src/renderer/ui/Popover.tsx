import { Popover as Base } from '@base-ui/react/popover'
import type { ReactElement, ReactNode } from 'react'

interface PopoverProps {
  trigger: ReactElement<Record<string, unknown>>
  /** Names the floating part for screen readers. */
  label: string
  children: ReactNode
  open?: boolean
  onOpenChange?: (open: boolean) => void
  side?: 'top' | 'bottom'
  align?: 'start' | 'center' | 'end'
  wide?: boolean
  /** What the keyboard is at first; otherwise the first control. */
  initialFocus?: () => HTMLElement | null
}

/** Closes on Escape and gives the focus back; one at a time. */
export function Popover({
  trigger,
  label,
  children,
  open,
  onOpenChange,
  side = 'bottom',
  align = 'start',
  wide = false,
  initialFocus,
}: PopoverProps) {
  return (
    <Base.Root open={open} onOpenChange={onOpenChange}>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner className="pop-layer" side={side} align={align} sideOffset={6} collisionPadding={8}>
          <Base.Popup
            className={wide ? 'pop wide' : 'pop'}
            aria-label={label}
            initialFocus={initialFocus === undefined ? true : () => initialFocus() ?? true}
          >
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
