import templates from './templates.json'

/** Hash and length of a prompt, or Jinja2's error. */
export type Golden = string | { error: string }

interface Goldens {
  now: string
  bos: string
  eos: string
  sets: Record<string, { role: string; content: string; thought?: string }[]>
  /** Keyed by the template's sha256. */
  templates: Record<string, { names: string[]; cases: Record<string, Golden> }>
}

export const goldens: Goldens = templates
