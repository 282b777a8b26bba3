import { CSPProvider } from '@base-ui/react/csp-provider'
import { QueryClientProvider } from '@tanstack/react-query'
import { PanelLeft } from 'lucide-react'
import { Suspense, lazy, useEffect } from 'react'
import { Redirect, Route, Router, Switch, useLocation } from 'wouter'
import { useHashLocation } from 'wouter/use-hash-location'
import { ChatPage } from '../features/chat'
import { DropLayer, LibraryPage, ModelButton, useChatWishes } from '../features/library'
import { client } from '../lib/client'
import { useCommand } from '../lib/commands'
import { isMac, keyLabel } from '../lib/keyboard'
import { LanguageProvider, useMessages } from '../lib/i18n'
import { settingsLive, useLive } from '../lib/live'
import { queryClient } from '../lib/queries'
import { useTheme } from '../lib/theme'
import { ErrorBoundary, IconButton, Note, TitleBarEnd, TitleBarStart, ToastArea } from '../ui'
import { DataNotice } from './DataNotice'
import { KeysDialog } from './KeysDialog'
import { Sidebar } from './Sidebar'
import { useSidebar } from './useSidebar'
import { useAppCommands } from './useAppCommands'

// The chat is what a start shows; the other pages come when they are asked for.
const DiscoverPage = lazy(async () => ({ default: (await import('../features/discover')).DiscoverPage }))
const MachinePage = lazy(async () => ({ default: (await import('../features/machine')).MachinePage }))
const PlannerPage = lazy(async () => ({ default: (await import('../features/planner')).PlannerPage }))
const SettingsPage = lazy(async () => ({ default: (await import('../features/settings')).SettingsPage }))
const WelcomePage = lazy(async () => ({ default: (await import('../features/welcome')).WelcomePage }))

export function App() {
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queryClient}>
        <LanguageProvider>
          <Router hook={useHashLocation}>
            <ToastArea>
              <Frame />
              <DropLayer />
            </ToastArea>
          </Router>
        </LanguageProvider>
      </QueryClientProvider>
    </CSPProvider>
  )
}

function Frame() {
  const [location, go] = useLocation()
  const sidebar = useSidebar()
  const settings = useLive(settingsLive)
  const { common, menu } = useMessages()
  useTheme()
  useAppCommands()
  useChatWishes()
  useCommand('new-chat', () => go('/chat'))
  useCommand('open-settings', () => go('/settings'))
  useEffect(() => {
    if (settings !== undefined && !settings.welcomed && location === '/') go('/welcome', { replace: true })
    else if (settings?.welcomed && location === '/') go('/chat', { replace: true })
  }, [settings, location, go])
  // Leaving the first page by any door completes it.
  const leftWelcome = settings !== undefined && !settings.welcomed && location !== '/' && location !== '/welcome'
  useEffect(() => {
    if (leftWelcome) void client.app.setSettings({ welcomed: true })
  }, [leftWelcome])
  const broken = (
    <div className="page">
      <Note tone="bad">{common.somethingBroke}</Note>
    </div>
  )
  const openSidebar = sidebar.open ? null : (
    <IconButton label={menu.sidebar} keys={keyLabel('Ctrl B', isMac)} onClick={() => sidebar.show(true)}>
      <PanelLeft className="i" aria-hidden="true" />
    </IconButton>
  )
  if (location === '/') return <div className="main" />
  if (location === '/welcome') {
    return (
      <ErrorBoundary fallback={broken}>
        <Suspense fallback={<div className="main" />}>
          <div className="first-use">
            <DataNotice />
            <WelcomePage />
          </div>
        </Suspense>
      </ErrorBoundary>
    )
  }
  return (
    <TitleBarEnd value={<ModelButton />}>
      <div className="app" data-sidebar={sidebar.floats ? 'over' : sidebar.open ? 'open' : 'closed'}>
        <Sidebar />
        {sidebar.floats && (
          <button type="button" className="side-veil" aria-label={menu.sidebar} tabIndex={-1} onClick={() => sidebar.show(false)} />
        )}
        <TitleBarStart value={openSidebar}>
          <main className="main">
            <DataNotice />
            <ErrorBoundary key={location} fallback={broken}>
              <Suspense fallback={null}>
                <Switch>
                  <Route path="/chat/:id?">{({ id }) => <ChatPage key={id ?? 'new'} id={id ?? null} />}</Route>
                  <Route path="/discover" component={DiscoverPage} />
                  <Route path="/library" component={LibraryPage} />
                  <Route path="/planner" component={PlannerPage} />
                  <Route path="/machine" component={MachinePage} />
                  <Route path="/settings/:part?">{({ part }) => <SettingsPage part={part ?? null} />}</Route>
                  <Route>
                    <Redirect to="/chat" replace />
                  </Route>
                </Switch>
              </Suspense>
            </ErrorBoundary>
          </main>
        </TitleBarStart>
      </div>
      <KeysDialog />
    </TitleBarEnd>
  )
}
