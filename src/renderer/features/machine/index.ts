export { Devices } from './Devices'
export { Engines } from './Engines'
export { MachinePage } from './MachinePage'
export { SpeedOffer } from './SpeedOffer'
