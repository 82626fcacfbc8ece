import { effectScope, watchEffect } from 'vue'
import { useIotClient } from './vue-composable'

const scope = effectScope()
scope.run(() => {
  const link = useIotClient(JSON.parse(decodeURIComponent(location.hash.slice(1))))
  watchEffect(() => { document.getElementById('state').textContent = link.error?.code ?? link.state })
})
document.getElementById('leave').onclick = () => scope.stop()
