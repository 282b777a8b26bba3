export { DiscoverPage } from './DiscoverPage'
export { offerOf } from './matching'
export { Obtain } from './Obtain'
export { nothingSentences } from './reason'
