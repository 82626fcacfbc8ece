import { StrictMode, useCallback, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { useIotClient, useTopic } from './react-hook'

const { topic, ...options } = JSON.parse(decodeURIComponent(location.hash.slice(1)))

function Lamp({ name }) {
  const { client, state, error } = useIotClient('the page', options)
  const [heard, setHeard] = useState([])
  useTopic(client, topic, useCallback(message => setHeard(before => [...before, message.text()]), []))
  return <section id={name} data-state={state} data-code={error?.code}>
    <output>{heard.join(' ')}</output>
    <button disabled={!client} onClick={() => client.publish(topic, name)}>Publish</button>
  </section>
}

function App() {
  const [shown, setShown] = useState(true)
  return <>
    <button id="toggle" onClick={() => setShown(!shown)}>Toggle</button>
    {shown && <><Lamp name="one" /><Lamp name="two" /></>}
  </>
}

createRoot(document.getElementById('root')).render(<StrictMode><App /></StrictMode>)
