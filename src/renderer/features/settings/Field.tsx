import { type ReactNode, useId } from 'react'
import { NumberSetting, type NumberSettingProps } from '../../ui'

/** A row of the settings: name and reason left, control right. */
export function Row({ label, hint, children }: { label: string; hint?: string; children: ReactNode }) {
  return (
    <div className="set-row">
      <div className="col">
        <span>{label}</span>
        {hint !== undefined && <span className="t3 f12">{hint}</span>}
      </div>
      <div className="set-control">{children}</div>
    </div>
  )
}

export function NumberRow({ hint, ...field }: NumberSettingProps & { hint: string }) {
  return (
    <Row label={field.label} hint={hint}>
      <NumberSetting {...field} />
    </Row>
  )
}

export function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId()
  return (
    <section aria-labelledby={id}>
      <h2 className="h2" id={id}>
        {title}
      </h2>
      <div className="card flush">{children}</div>
    </section>
  )
}
