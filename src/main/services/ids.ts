import { randomBytes } from 'node:crypto'

/** 16 characters of [A-Za-z0-9_-], 96 bits: fits the contract's `id` and never meets another. */
export function newId(): string {
  return randomBytes(12).toString('base64url')
}
