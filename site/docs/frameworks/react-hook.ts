import { useCallback, useEffect, useSyncExternalStore } from 'react'
import { connect, type Client, type ConnectOptions, type IotError, type MessageHandler } from 'iotwasm'

interface Link { client?: Client, state: Client['state'], error?: IotError }
interface Shared { now: Link, users: number, listeners: Set<() => void>, giveUp: AbortController, end?: ReturnType<typeof setTimeout> }

const connecting: Link = { state: 'connecting' }
const links = new Map<string, Shared>()

function open(key: string, options: ConnectOptions): Shared {
  const link: Shared = { now: connecting, users: 0, listeners: new Set(), giveUp: new AbortController() }
  const set = (now: Link): void => { link.now = now; for (const listener of link.listeners) listener() }
  connect({ ...options, signal: link.giveUp.signal }).then(client => {
    client.on('state', (state, error) => set({ client, state, ...error && { error } }))
    set({ client, state: client.state })
  }, (error: IotError) => set({ state: 'closed', error }))
  links.set(key, link)
  return link
}

/** The client of this key, one for all components that ask for it; closed a second after the last of them is gone. */
export function useIotClient(key: string, options: ConnectOptions): Link {
  const subscribe = useCallback((changed: () => void) => {
    const link = links.get(key) ?? open(key, options)
    clearTimeout(link.end) // StrictMode and a change of route leave and come back at once
    link.users++
    link.listeners.add(changed)
    return () => {
      link.listeners.delete(changed)
      if (--link.users > 0) return
      link.end = setTimeout(() => { links.delete(key); link.giveUp.abort(); void link.now.client?.close() }, 1000)
    }
  }, [key]) // other options are another key
  return useSyncExternalStore(subscribe, () => links.get(key)?.now ?? connecting, () => connecting)
}

/** Calls back with each message of a topic filter, while the component is there. */
export function useTopic(client: Client | undefined, filter: string, handler: MessageHandler): void {
  useEffect(() => {
    const leave = new AbortController()
    client?.subscribe(filter, { signal: leave.signal }, handler).then(
      subscription => leave.signal.aborted ? subscription.unsubscribe() : leave.signal.addEventListener('abort', () => void subscription.unsubscribe()),
      error => { if (!leave.signal.aborted) throw error })
    return () => leave.abort()
  }, [client, filter, handler])
}
