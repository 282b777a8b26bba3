import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import tls from 'node:tls'
import { SnugError } from '@shared/errors'

/** Where Linux distributions keep what the system trusts (as Go's crypto/x509, `root_linux.go`, looks for it). */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
]
/** Such a file has about 220 KB; a larger one is something else. */
const maxFileBytes = 4 * 1024 * 1024

/** What a person can do about a certificate that is not accepted. */
type CertificateTrouble = 'issuer' | 'date' | 'name' | 'other'

/** The names of OpenSSL's and BoringSSL's reasons, as Node gives them (`x509_vfy.h`, without `X509_V_ERR_`). */
const troubles: Record<string, CertificateTrouble> = {
  UNABLE_TO_GET_ISSUER_CERT: 'issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'issuer',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'issuer',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'issuer',
  SELF_SIGNED_CERT_IN_CHAIN: 'issuer',
  CERT_UNTRUSTED: 'issuer',
  CERT_HAS_EXPIRED: 'date',
  CERT_NOT_YET_VALID: 'date',
  ERR_TLS_CERT_ALTNAME_INVALID: 'name',
  HOSTNAME_MISMATCH: 'name',
  CERT_SIGNATURE_FAILURE: 'other',
  CERT_CHAIN_TOO_LONG: 'other',
  CERT_REVOKED: 'other',
  CERT_REJECTED: 'other',
  INVALID_CA: 'other',
  INVALID_PURPOSE: 'other',
  PATH_LENGTH_EXCEEDED: 'other',
}

/** null: it failed for another reason. */
export function certificateError(host: string, error: unknown): SnugError | null {
  if (error instanceof SnugError || !(error instanceof Error)) return null
  const reason = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const trouble = troubles[reason]
  if (trouble === undefined) return null
  return new SnugError(
    'network/certificate',
    `the certificate of ${host} is not accepted: ${reason}`,
    { host, reason, trouble },
    { cause: error },
  )
}

/**
 * Whose certificates are accepted. The built-in authorities first; the system's, and those of `NODE_EXTRA_CA_CERTS` (which a packaged app
 * does not read by itself), are looked for once, when a connection is refused without them.
 */
export class Trust {
  readonly #extraFile: string | null
  readonly #system: () => string[]
  #wider: tls.SecureContext | null | undefined

  constructor(extraFile: string | null, system: () => string[] = systemCertificates) {
    this.#extraFile = extraFile
    this.#system = system
  }

  get context(): tls.SecureContext | undefined {
    return this.#wider ?? undefined
  }

  /** undefined: this machine names no authority beyond the built-in ones. */
  widen(): tls.SecureContext | undefined {
    if (this.#wider === undefined) {
      const more = [...this.#system(), ...certificatesIn(this.#extraFile)]
      this.#wider = more.length === 0 ? null : tls.createSecureContext({ ca: [...tls.rootCertificates, ...more] })
    }
    return this.context
  }
}

function systemCertificates(): string[] {
  // Since Node 22.15; the types are those of Node 20.
  const { getCACertificates } = tls as { getCACertificates?: (kind: 'system') => string[] }
  const told = () => {
    try {
      return (getCACertificates?.('system') ?? []).filter(readable)
    } catch {
      // A store that cannot be read names nobody.
      return []
    }
  }
  return [...told(), ...(process.platform === 'linux' ? bundles.flatMap(certificatesIn) : [])]
}

/** Of a file of PEM blocks those that can be read: one bad block would refuse them all. */
export function certificatesIn(file: string | null): string[] {
  try {
    if (file === null || statSync(file).size > maxFileBytes) return []
    return (readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).filter(readable)
  } catch {
    // Not there, or not ours to read.
    return []
  }
}

function readable(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    // No certificate.
    return false
  }
}
