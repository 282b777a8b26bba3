import { oc, type } from '@orpc/contract'
import { z } from 'zod'

/** Every id is ours: a short token, never a path. */
export const id = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z0-9_-]+$/)
export const text = z.string().max(2_000_000)

/** Of one file, as a person pastes it. */
export const address = z
  .string()
  .max(4_000)
  .regex(/^\s*https?:\/\/./i)

export { oc, type, z }
