// @ts-check
import { byId, button, input, setText } from './dom.js'
import { ErrorNotice } from './error-notice.js'
import { outcomeText } from './publisher.js'
import { clockTime } from './time-format.js'

/** @typedef {import('../../jsglue/src/types').QoS} QoS */

/**
 * @param {import('./store.js').Store} store
 * @param {import('./publisher.js').Publisher} publisher
 */
export function mountPublishPanel(store, publisher) {
  const topic = input('publish-topic')
  const payload = byId('publish-payload', HTMLTextAreaElement)
  const result = byId('publish-result', HTMLElement)
  const notice = new ErrorNotice(byId('publish-error', HTMLElement), (field) => ({ topic, payload })[field])

  byId('publish-form', HTMLFormElement).addEventListener('submit', async (event) => {
    event.preventDefault()
    const qos = /** @type {QoS} */ (Number(byId('publish-qos', HTMLSelectElement).value))
    setText(result, qos === 0 ? 'Sending' : 'Waiting for the acknowledgement')
    try {
      const answer = await publisher.publish(topic.value, payload.value, { qos, retain: input('publish-retain').checked })
      notice.clear()
      setText(result, `${clockTime(answer.sentAt)} ${outcomeText(qos, answer)}`)
    } catch (error) {
      setText(result, '')
      notice.show(error)
    }
  })
  payload.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !button('publish').disabled) payload.form?.requestSubmit()
  })
  store.watch(['connection'], ({ connection }) => { button('publish').disabled = connection.phase !== 'connected' })
}
