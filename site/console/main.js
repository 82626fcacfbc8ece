// @ts-check
import { Connection } from './connection.js'
import { prefillFromGateway } from './connection-form.js'
import { mountConnectionPanel } from './connection-panel.js'
import { mountDelayedPanel } from './delayed-panel.js'
import { DelayedRuns } from './delayed-runs.js'
import { byId, setText } from './dom.js'
import { MessageHistory } from './message-history.js'
import { mountMessageLog } from './message-log.js'
import { loadPackage } from './package.js'
import { mountPublishPanel } from './publish-panel.js'
import { Publisher } from './publisher.js'
import { initialState, Store } from './store.js'
import { mountSubscriptionsPanel } from './subscriptions-panel.js'
import { Subscriptions } from './subscriptions.js'

/**
 * The console: panels call actions, actions change the store, panels watch the
 * store. Nothing secret leaves the form's memory: no URL, no storage, no log.
 *
 * Query: `?worker=false` runs the module on the page's thread.
 *
 * Hooks for tests, stable:
 * - `html[data-ready]` once the form is filled in (or there is no local gateway)
 * - `#state[data-state="idle|connecting|connected|reconnecting|closed"]`, `[data-failed]`
 * - `#server-aws`, `#server-url`, `#endpoint`, `#region`, `#access-key-id`,
 *   `#secret-access-key`, `#session-token`, `#url`, `#username`, `#password`,
 *   `#client-id`; under `#advanced`: `#keep-alive`, `#connect-timeout`,
 *   `#session-expiry`, `#clock-offset`, `#clean-start`, `#worker-true`, `#worker-false`
 * - `#connect`, `#disconnect`, `#connack [data-fact]`
 * - `#error`, `#subscribe-error`, `#publish-error`, `#delayed-error`, each with
 *   `[data-code]`, `[data-field]`, `[data-reason-code]`; the field has `[aria-invalid]`
 * - `#filter`, `#filter-qos`, `#subscribe`, `#subscriptions [data-filter]` with
 *   `data-state="pending|granted|ended"`, `data-granted-qos`, `data-count`
 * - `#publish-topic`, `#publish-payload`, `#publish-qos`, `#publish-retain`,
 *   `#publish`, `#publish-result`
 * - `#thing-name`, `#preset-run`, `#step-add`, `#delayed-run`,
 *   `#step-rows tr [data-column="topic|payload|delay|qos"]`, `#run-gate`,
 *   `#run-offline`, `#run-on-failure`
 * - `#runs delayed-run[data-run][data-state="running|finished"]`, newest first; in
 *   its shadow root `[data-step]` with `data-state`
 * - `#log [data-topic][data-direction="received|sent"]`, `.payload[data-kind="json|text|binary"]`,
 *   `#log-filter`, `#log-direction`, `#log-subscription`, `#log-pause`, `#log-clear`, `#log-count`
 */

const store = new Store(initialState())
const history = new MessageHistory()
const connection = new Connection(store)
const subscriptions = new Subscriptions(store, connection)
const publisher = new Publisher(connection, history)
const runs = new DelayedRuns(store, connection, subscriptions, history)

connection.onMessage(({ topic, payload, qos, retain, dup, receivedAt }) =>
  history.append({ direction: 'received', time: receivedAt, topic, payload, qos, retain, dup }))

const { connect } = mountConnectionPanel(store, connection)
mountSubscriptionsPanel(store, subscriptions)
mountPublishPanel(store, publisher)
mountDelayedPanel(store, runs, connect)
mountMessageLog(store, history)

loadPackage().then(
  ({ version }) => setText(byId('version', HTMLElement), version),
  (error) => store.update({ connectionError: error }),
)
// Without a local gateway the form stays empty, which is no error.
prefillFromGateway().catch(() => {}).finally(() => { document.documentElement.dataset.ready = '' })
