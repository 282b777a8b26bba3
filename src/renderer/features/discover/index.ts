export { DiscoverPage } from './DiscoverPage'
export { type Offer, offerOf } from './matching'
export { Obtain } from './Obtain'
