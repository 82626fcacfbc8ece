import { onScopeDispose, shallowReactive } from 'vue'
import { connect, type Client, type ConnectOptions, type IotError } from 'iotwasm'

/** A client for a component or a scope: closed with it. */
export function useIotClient(options: ConnectOptions) {
  const link = shallowReactive<{ client?: Client, state: Client['state'], error?: IotError }>({ state: 'connecting' })
  const giveUp = new AbortController()
  connect({ ...options, signal: giveUp.signal }).then(client => {
    client.on('state', (state, error) => Object.assign(link, { state, error }))
    Object.assign(link, { client, state: client.state })
  }, error => Object.assign(link, { state: 'closed', error }))
  onScopeDispose(() => {
    giveUp.abort()
    void link.client?.close()
  })
  return link
}
