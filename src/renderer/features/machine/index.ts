export { MachinePage } from './MachinePage'
