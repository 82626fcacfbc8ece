// iotwasm itself, in a Worker and on the page's thread. AWS's limits are off: what
// is compared are programs, not what AWS lets them do.
// @ts-check
import * as iotwasm from '/pkg/index.js'

export const iotwasmWorker = lane(true)
export const iotwasmPage = lane(false)

/**
 * @param {import('./index.js').Server} server
 * @param {boolean} worker
 */
export const connectIotwasm = (server, worker) => iotwasm.connect({ ...server, worker, limits: false })

/**
 * @param {boolean} worker
 * @returns {import('./index.js').Lane}
 */
function lane(worker) {
  return {
    async open(server) {
      const client = await connectIotwasm(server, worker)
      return {
        publish(topic, payload, qos, done) {
          const published = client.publish(topic, payload, { qos })
          if (done) published.then(done)
        },
        subscribe: (filter, received) => client.subscribe(filter, message => received(message.payload)),
        close: () => client.close(),
      }
    },
    presign: server => iotwasm.presign({ ...server, worker }),
  }
}
