export { DiscoverPage } from './DiscoverPage'
export { offerOf } from './matching'
export { nothingSentences } from './NothingUsable'
export { Obtain } from './Obtain'
