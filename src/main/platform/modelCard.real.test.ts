import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RunningHub, startHub } from '../../../e2e/fixtures/hubServer'
import { Hub } from './hub'
import { ModelScope } from './modelScope'
import { Network } from './network'

const id = 'maker/model-GGUF'
const gguf = { 'a-Q8_0.gguf': Buffer.alloc(10) }
let server: RunningHub
let network: Network
let hub: Hub

beforeAll(async () => {
  server = await startHub({
    repositories: {
      [id]: { files: { ...gguf, 'README.md': Buffer.from('---\nlicense: mit\n---\n# A model\n') } },
      'maker/silent': { files: gguf },
      'maker/huge': { files: { ...gguf, 'README.md': Buffer.alloc(20_000_000, 'word ') } },
    },
  })
  network = new Network({ offline: false, token: null, proxy: null })
  hub = new Hub({ network, endpoint: () => server.endpoint, modelScope: new ModelScope(network, server.endpoint) })
})
afterAll(() => server.close())

it.each([id, `ms:${id}`])('is the text at the commit, without its YAML: %s', async (repository) => {
  const { revision, page } = await hub.listing(repository)
  expect(page).toBe(repository === id ? `${server.endpoint}/${id}` : `${server.endpoint}/models/${id}`)
  expect(await hub.card(repository, revision)).toEqual({ text: '# A model', cut: false })
  if (repository === id) expect(server.requests.at(-1)?.path).toBe(`/${id}/resolve/${revision}/README.md`)
})

it('is nothing where there is none', async () => {
  for (const repository of ['maker/silent', 'ms:maker/silent'])
    expect(await hub.card(repository, (await hub.listing(repository)).revision)).toBeNull()
  await expect(hub.card('maker/nobody', '0'.repeat(40))).rejects.toMatchObject({ code: 'hub/not-found' })
})

it('takes the beginning of what is huge, and leaves the rest where it is', async () => {
  const card = await hub.card('maker/huge', server.commit('maker/huge'))
  expect(card?.cut).toBe(true)
  expect(card?.text.length).toBeLessThanOrEqual(101_000)
})

it('takes no sign-in page for a card', async () => {
  server.faults.add({ at: 'resolve', do: 'html' })
  await expect(hub.card(id, server.commit(id))).rejects.toMatchObject({ code: 'hub/bad-answer' })
})
