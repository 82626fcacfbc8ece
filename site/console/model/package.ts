/** Imports iotwasm from beside the site. On demand, so that the console can say what is missing instead of staying blank. */
type Package = typeof import('iotwasm')

let loading: Promise<Package> | undefined

export function loadPackage(): Promise<Package> {
  loading ??= Promise.all([import('iotwasm'), import('iotwasm/delayed-run')]).then(([iotwasm]) => iotwasm, (cause: unknown) => {
    loading = undefined
    throw Object.assign(new Error('The iotwasm package could not be imported from pkg/.', { cause }), {
      code: 'load-failed', hint: 'Deploy the whole folder that "make site" makes.',
    })
  })
  return loading
}
