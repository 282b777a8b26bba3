export { DropLayer } from './DropLayer'
export { LibraryPage } from './LibraryPage'
export { ModelButton } from './ModelButton'
