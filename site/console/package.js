// @ts-check

/**
 * @typedef {object} Package
 * @property {typeof import('../../jsglue/src/types').load} load
 * @property {typeof import('../../jsglue/src/types').connect} connect
 * @property {string} version
 */

/** @type {Promise<Package> | undefined} */
let loading

/**
 * Imports iotwasm from beside the page. On demand, so that the console can say
 * what is missing instead of staying blank.
 *
 * @returns {Promise<Package>}
 */
export function loadPackage() {
  loading ??= Promise.all([
    import(new URL('../pkg/index.js', import.meta.url).href),
    import(new URL('../pkg/delayed-run.js', import.meta.url).href), // defines <delayed-run>
  ]).then(([module]) => module, (cause) => {
    loading = undefined
    throw Object.assign(new Error('The iotwasm package could not be imported from pkg/.', { cause }), {
      code: 'load-failed',
      hint: 'Run "make run", or put the built package (jsglue/dist) beside index.html as pkg/.',
    })
  })
  return loading
}
