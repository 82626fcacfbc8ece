import { iotClient } from './svelte-store'

const leave = iotClient(JSON.parse(decodeURIComponent(location.hash.slice(1)))).subscribe(({ state, error }) => {
  document.getElementById('state').textContent = error?.code ?? state
})
document.getElementById('leave').onclick = leave
