// A page's code: connects with what its address says, updates two named shadows one
// after another, and shows what became of them.
import { connect } from 'iotwasm'

const result = document.getElementById('result')
try {
  const { thing, ...options } = JSON.parse(decodeURIComponent(location.hash.slice(1)))
  const client = await connect(options)
  const update = (name, delay) => ({ topic: `$aws/things/${thing}/shadow/name/${name}/update`, payload: { state: { reported: {} } }, delay })
  const { steps } = await client.publishDelayed([update('test1', 100), update('test2', 300)], { gate: 'shadow' }).done
  result.textContent = steps.map(({ state }) => state).join(' ')
} catch (error) {
  result.textContent = `${error} ${error.hint ?? ''}`
}
