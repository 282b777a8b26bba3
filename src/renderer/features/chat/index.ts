export { ChatList } from './ChatList'
export { ChatPage } from './ChatPage'
export { LazyMarkdown } from './LazyMarkdown'
