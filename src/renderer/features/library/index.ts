export { DropLayer } from './DropLayer'
export { EngineNotice } from './EngineNotice'
export { LibraryPage } from './LibraryPage'
export { ModelButton } from './ModelButton'
