import { Search } from 'lucide-react'
import type { InputHTMLAttributes, ReactNode, Ref } from 'react'

interface SearchInputProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'className' | 'onChange' | 'children'> {
  label: string
  value: string
  onText: (text: string) => void
  /** In a bar of its own colour; beside other controls. */
  look?: 'soft' | 'narrow'
  /** Behind the text: how many were found, or a key. */
  children?: ReactNode
  ref?: Ref<HTMLInputElement>
}

/** The one field for words that are looked for. */
export function SearchInput({ label, value, onText, look, children, ref, ...rest }: SearchInputProps) {
  return (
    <label className={look === undefined ? 'input' : `input ${look}`}>
      <Search className="i s" aria-hidden="true" />
      <input type="search" {...rest} ref={ref} aria-label={label} value={value} onChange={(event) => onText(event.target.value)} />
      {children}
    </label>
  )
}
