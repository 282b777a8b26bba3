import type { Role } from '@shared/domain/chat'
import { User } from 'lucide-react'
import { useMessages } from '../../lib/i18n'

const roles: readonly Role[] = ['user', 'assistant', 'system']

/** Who says it: in the composer, and of a message that is edited. */
export function RoleSelect({ role, label, onChange }: { role: Role; label: string; onChange: (role: Role) => void }) {
  const { chat } = useMessages()
  return (
    <label className={role === 'user' ? 'role' : 'role other'} title={label}>
      <User className="i s" aria-hidden="true" />
      <select
        className="select bare"
        aria-label={label}
        value={role}
        onChange={(event) => onChange(roles.find((known) => known === event.target.value) ?? 'user')}
      >
        {roles.map((entry) => (
          <option key={entry} value={entry} title={chat.roleHint[entry]}>
            {chat.role[entry]}
          </option>
        ))}
      </select>
    </label>
  )
}
