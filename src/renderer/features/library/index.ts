export { LibraryPage } from './LibraryPage'
export { ModelButton } from './ModelButton'
