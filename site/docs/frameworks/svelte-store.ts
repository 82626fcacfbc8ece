import { readable } from 'svelte/store'
import { connect, type Client, type ConnectOptions, type IotError } from 'iotwasm'

interface Link { client?: Client, state: Client['state'], error?: IotError }

/** A store of the client: it connects with the first subscriber and closes with the last. In a component: `const link = iotClient(options)`, then `$link.state`. */
export function iotClient(options: ConnectOptions) {
  return readable<Link>({ state: 'connecting' }, set => {
    const giveUp = new AbortController()
    let open: Client | undefined
    connect({ ...options, signal: giveUp.signal }).then(client => {
      open = client
      client.on('state', (state, error) => set({ client, state, ...error && { error } }))
      set({ client, state: client.state })
    }, (error: IotError) => set({ state: 'closed', error }))
    return () => {
      giveUp.abort()
      void open?.close()
    }
  })
}
