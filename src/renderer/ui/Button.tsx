import type { ButtonHTMLAttributes, ReactNode } from 'react'

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: 'plain' | 'primary' | 'quiet' | 'danger'
  size?: 's' | 'm' | 'l'
}

export function Button({ kind = 'plain', size = 'm', className = '', ...rest }: ButtonProps) {
  const classes = ['btn', kind === 'plain' ? '' : kind, size === 'm' ? '' : size, className].filter(Boolean).join(' ')
  return <button type="button" className={classes} {...rest} />
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** Every icon button says what it does, to the eye (title) and to a screen reader. */
  label: string
  keys?: string
  small?: boolean
  children: ReactNode
}

export function IconButton({ label, keys, small = false, className = '', ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      className={['ib', small ? 's' : '', className].filter(Boolean).join(' ')}
      aria-label={label}
      title={keys === undefined ? label : `${label} (${keys})`}
      {...rest}
    />
  )
}
