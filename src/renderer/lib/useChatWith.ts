import { useLocation } from 'wouter'
import { client } from './client'

/** Loads a model and goes to the chat, which shows how far the load is and what came of it. */
export function useChatWith(): (modelId: string) => void {
  const [, go] = useLocation()
  return (modelId) => {
    void client.engine
      .load({ modelId })
      // The engine's own stream says how the load ended; the model button shows it.
      .catch(() => undefined)
    go('/chat')
  }
}
