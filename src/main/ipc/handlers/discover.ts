import type { Area, HandlerContext } from './context'

export const discoverHandlers = (area: Area<'discover'>, { core }: HandlerContext) => ({
  recommend: area.recommend.handler(({ input }) => core.recommendation.recommend(input)),
  files: area.files.handler(({ input: { repository, ...options }, signal }) => core.discover.files(repository, options, signal)),
  exact: area.exact.handler(({ input: { repository, file, ...options }, signal }) =>
    core.discover.exact(repository, file, options, signal),
  ),
  address: area.address.handler(({ input: { address, ...options }, signal }) => core.discover.address(address, options, signal)),
  card: area.card.handler(({ input: { repository, revision }, signal }) => core.discover.card(repository, revision, signal)),
  testHere: area.testHere.handler(({ input: { contextSize, kvCacheType, ...subject } }) => {
    core.copyTests.start(subject, { kvCacheType, ...(contextSize === undefined ? {} : { contextSize }) })
    return null
  }),
  followTest: area.followTest.handler(({ signal }) => core.copyTests.follow(signal)),
  cancelTest: area.cancelTest.handler(() => core.copyTests.cancel().then(() => null)),
  search: area.search.handler(({ input, signal }) => core.discover.search(input.query, { ...input, priced: true }, signal)),
  catalog: area.catalog.handler(() => core.catalog.info()),
  updateCatalog: area.updateCatalog.handler(({ input, signal }) => core.catalog.update(input.address, signal)),
  revertCatalog: area.revertCatalog.handler(() => core.catalog.revert()),
  hubStatus: area.hubStatus.handler(({ signal }) => core.discover.hubStatus(signal)),
  foundOnDisk: area.foundOnDisk.handler(() => core.discover.foundOnDisk()),
})
