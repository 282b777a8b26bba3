import { safeStorage } from 'electron'
import type { SecretBox } from '../platform/sealedFile'

/** Keychain, DPAPI, or the Linux desktop's key store. Without one Chromium falls back to a password that is in its sources: that is none. */
export const electronSecrets: SecretBox = {
  available: () =>
    safeStorage.isEncryptionAvailable() &&
    (process.platform !== 'linux' || !['basic_text', 'unknown'].includes(safeStorage.getSelectedStorageBackend())),
  seal: (text) => safeStorage.encryptString(text).toString('base64'),
  open: (sealed) => safeStorage.decryptString(Buffer.from(sealed, 'base64')),
}
