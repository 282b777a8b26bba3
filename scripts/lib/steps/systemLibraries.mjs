import { installPackages, isDebianLike, missingPackages } from '../apt.mjs'
import { isRoot } from '../runtime.mjs'

/** These four bring all other libraries that Electron needs; proven in an empty Debian 12. */
const libraries = ['libgtk-3-0', 'libnss3', 'libasound2', 'libgbm1', 'unzip']
/**
 * A display without a screen for tests and pictures, and fonts with Chinese and emoji. Where there is none for emoji, Chromium asks the
 * system for one at each of them, each time their text is drawn (1,700 questions beside one reply of 1,024 tokens).
 */
const forTests = ['xvfb', 'xauth', 'fonts-noto-cjk', 'fonts-noto-color-emoji']

/** Elsewhere than on Debian's kind of system the Electron step looks at `ldd` and names what is missing. */
export const systemLibraries = {
  id: 'system',
  title: 'System libraries',
  plan(context) {
    if (!isDebianLike()) return undefined
    const missing = missingPackages(wanted(context))
    if (missing.length === 0) return undefined
    return { what: missing.join(' '), megabytes: 15 * missing.length, minutes: 0.08 * missing.length }
  },
  async perform(context) {
    const missing = missingPackages(wanted(context))
    await installPackages(missing)
    return `installed ${missing.join(' ')}`
  },
}

/** Someone who only wants to use Snug on a desktop is not asked for what tests need. */
function wanted(context) {
  return context.forTests || isRoot() ? [...libraries, ...forTests] : libraries
}
