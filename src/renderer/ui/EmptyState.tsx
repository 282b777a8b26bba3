import type { ReactNode } from 'react'

export function EmptyState({ icon, title, body, children }: { icon?: ReactNode; title: string; body?: string; children?: ReactNode }) {
  return (
    <section className="empty">
      {icon}
      <h2>{title}</h2>
      {body !== undefined && <p>{body}</p>}
      {children}
    </section>
  )
}
