import type { Messages } from '@shared/i18n'
import { errorValueOf } from './errors'

type Trouble = Messages['discover']['address']['trouble']

/** What is wrong with a file at an address: the words of the code alone would speak of a hub. */
export function addressTrouble(error: unknown, words: Trouble): { title: string; action: string } | undefined {
  const { code, data = {} } = errorValueOf(error)
  switch (code) {
    case 'usage/invalid':
      return words.noModel
    case 'hub/not-found':
      return data.status === 401 || data.status === 403 ? words.refused : words.missing
    case 'model/corrupt-file':
      return words.noGguf
    case 'hub/bad-answer':
      return data.what === 'web-page' ? words.webPage : data.what === 'no-length' ? words.noLength : words.badAnswer
    case 'hub/unreachable':
      return words.silent
    case 'hub/rate-limited':
      return words.wait
    case 'download/changed':
      return words.changed
    default:
      return undefined
  }
}
