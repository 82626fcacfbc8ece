/**
 * Gives the page `window.mqtt`, then runs the page's script, which is named in this
 * one's data-script. `?library=mqttjs` picks mqtt.js, and `?library=iotwasm`, the
 * default, its replacement: the page's script is the same for both.
 */
'use strict'
{
  const { script } = document.currentScript.dataset
  const library = new URLSearchParams(location.search).get('library') === 'mqttjs' ? 'mqttjs' : 'iotwasm'
  const add = (src, more) => new Promise((resolve, reject) => {
    document.head.append(Object.assign(document.createElement('script'), { src, onload: resolve, onerror: reject, ...more }))
  })
  const libraries = {
    iotwasm: () => add('../../pkg/mqtt.global.js'),
    // Beside the page where somebody put it there, else from a CDN, if the page's policy lets it.
    mqttjs: () => add('mqtt.min.js').catch(() => add('https://cdn.jsdelivr.net/npm/mqtt@5.16.0/dist/mqtt.min.js', {
      crossOrigin: 'anonymous', integrity: 'sha384-9WWboT9UtuPFRlOLq4FygQkcJxzYcpz8SXGkNyCEXM+44n14xzjNlrRKYZwuF/A6',
    })),
  }
  document.documentElement.dataset.library = library
  const parsed = new Promise(resolve => document.addEventListener('DOMContentLoaded', resolve))
  const fail = () => {
    const notice = document.getElementById('error')
    notice.hidden = false
    notice.textContent = library === 'mqttjs'
      ? 'mqtt.js could not be loaded. This server lets a page load its own scripts only: put mqtt.min.js beside index.html.'
      : 'pkg/mqtt.global.js could not be loaded. Run make build first.'
  }
  parsed.then(libraries[library]).then(() => add(script, { type: 'module' })).catch(fail)
}
