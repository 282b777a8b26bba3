export { useObtain } from './useObtain'
