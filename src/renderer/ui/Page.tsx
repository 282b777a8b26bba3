import { type ReactNode, createContext, useContext } from 'react'

/** What stands at the right end of every title bar (the model button); the frame sets it. */
export const TitleBarEnd = createContext<ReactNode>(null)

/** What stands at the left end of every title bar: the way back to a sidebar that is closed. */
export const TitleBarStart = createContext<ReactNode>(null)

/** Title bar with the page's name and its one tool, and the page below it. */
export function Page({
  title,
  tool,
  children,
  plain = false,
}: {
  title: ReactNode
  tool?: ReactNode
  children: ReactNode
  plain?: boolean
}) {
  return (
    <>
      <header className="bar">
        {useContext(TitleBarStart)}
        {typeof title === 'string' ? <h1 className="ell">{title}</h1> : title}
        {tool}
        <span className="grow" />
        {useContext(TitleBarEnd)}
      </header>
      {plain ? children : <div className="page">{children}</div>}
    </>
  )
}
