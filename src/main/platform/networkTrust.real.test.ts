import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { downloadsIn } from '../../../e2e/fixtures/downloadsService'
import { type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import { hasOpenssl, makeCertificate, startTls } from '../../../e2e/fixtures/proxies'
import { Trust, certificateError, certificatesIn } from './networkTrust'
import { InProcessRunner } from './downloadRunner'
import { Hub } from './hub'
import { Network } from './network'

const repository = 'maker/model-GGUF'
const file = 'model-Q4_K_M.gguf'
const content = randomBytes(300_000)
const limits = { stallMs: 500, maxTries: 3, backoffMs: 5, maxBackoffMs: 20, maxRetryAfterMs: 1_000 }

describe.skipIf(!hasOpenssl())('a hub over TLS whose authority is its own', () => {
  const root = mkdtempSync(join(tmpdir(), 'snug-certificates-'))
  const open: Awaited<ReturnType<typeof startTls>>[] = []
  let certificate: ReturnType<typeof makeCertificate>
  let hub: RunningHub
  const ports = { hub: 0, storage: 0 }

  beforeAll(async () => {
    certificate = makeCertificate(root, ['localhost'])
    hub = await startHub({
      repositories: { [repository]: { files: { [file]: content } } },
      storageAddress: () => `https://localhost:${ports.storage}`,
    })
    for (const place of ['endpoint', 'storage'] as const) {
      const server = await startTls(certificate, () => Number(new URL(hub[place]).port))
      ports[place === 'endpoint' ? 'hub' : 'storage'] = server.port
      open.push(server)
    }
  })
  afterAll(async () => {
    for (const server of open) server.close()
    await hub.close()
    rmSync(root, { recursive: true, force: true })
  })

  const through = (certificates: string | null, host = 'localhost') => {
    const network = new Network({ offline: false, token: null, proxy: null, certificates })
    return { network, hub: new Hub({ network, endpoint: () => `https://${host}:${ports.hub}` }) }
  }

  it('is refused with host and reason, for a search as for a download that began before', async () => {
    const { network, hub: refused } = through(null)
    const error = { code: 'network/certificate', data: { host: `localhost:${ports.hub}`, trouble: 'issuer' } }
    await expect(refused.search('model')).rejects.toMatchObject(error)
    expect(await refused.status()).toMatchObject({ reachable: false, error })
    expect(network.entries().every(({ outcome }) => outcome.includes('certificate'))).toBe(true)
    const listed = through(certificate.file).hub
    const { service } = downloadsIn(join(root, 'refused'), { hub: listed, runner: new InProcessRunner(network, limits) })
    const { id } = await service.start({ repository, file })
    await expect(service.waitFor(id)).rejects.toMatchObject({ code: 'network/certificate' })
    await service.dispose()
  })

  it('is taken where the file of its authority is named, beside others and a block that is none', async () => {
    const bundle = join(root, 'bundle.pem')
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    writeFileSync(bundle, `# a comment\n${broken}${tls.rootCertificates[0]}\n${readFileSync(certificate.file, 'utf8')}`)
    expect(certificatesIn(bundle)).toHaveLength(2)
    const { network, hub: taken } = through(bundle)
    // Several that are refused at one moment are all asked again.
    const found = await Promise.all([taken.search('model'), taken.search('maker'), taken.listing(repository)])
    expect(found[0]).toMatchObject([{ repository }])
    const { service } = downloadsIn(join(root, 'taken'), { hub: taken, runner: new InProcessRunner(network, limits) })
    const { id } = await service.start({ repository, file })
    await service.waitFor(id)
    const arrived = readFileSync(join(root, 'taken', 'models', 'maker', 'model-GGUF', file))
    expect(createHash('sha256').update(arrived).digest('hex')).toBe(createHash('sha256').update(content).digest('hex'))
    await service.dispose()
  })

  it('is taken where the system names its authority, and the built-in ones still count', async () => {
    const context = new Trust(null, () => certificatesIn(certificate.file)).widen()
    if (context === undefined) throw new Error('nothing was added')
    const socket = tls.connect({ port: ports.hub, host: 'localhost', servername: 'localhost', secureContext: context })
    await once(socket, 'secureConnect')
    expect(socket.authorized).toBe(true)
    socket.destroy()
    expect(new Trust(null, () => []).widen()).toBeUndefined()
  })

  it('is refused under another name, whoever signed it', async () => {
    await expect(through(certificate.file, '127.0.0.1').hub.search('model')).rejects.toMatchObject({
      code: 'network/certificate',
      data: { host: `127.0.0.1:${ports.hub}`, trouble: 'name', reason: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
  })
})

it('reads no file that is missing or far too large for certificates', () => {
  const root = mkdtempSync(join(tmpdir(), 'snug-certificates-'))
  const large = join(root, 'large.pem')
  writeFileSync(large, `${tls.rootCertificates[0]}\n${' '.repeat(5 * 1024 * 1024)}`)
  expect([certificatesIn(large), certificatesIn(join(root, 'none.pem')), certificatesIn(null)]).toEqual([[], [], []])
  rmSync(root, { recursive: true, force: true })
})

it.each([
  ['CERT_HAS_EXPIRED', 'date'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'issuer'],
  ['CERT_REVOKED', 'other'],
])('%s is a trouble of its %s', (code, trouble) => {
  expect(certificateError('hub.example', Object.assign(new Error('x'), { code }))).toMatchObject({ data: { reason: code, trouble } })
})

it('leaves every other failure alone', () => {
  expect(certificateError('hub.example', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).toBeNull()
  expect(certificateError('hub.example', 'x')).toBeNull()
})
