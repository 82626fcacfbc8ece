/** One page of a browser engine, behind what both of their protocols can do. */
export interface Engine {
  readonly name: 'Firefox' | 'WebKit'
  open(url: string): Promise<void>
  /** Runs a function in the page, which may return a promise of plain data, with an argument that is plain data. */
  run<A, R>(f: (argument: A) => R | Promise<R>, argument: A): Promise<R>
  stop(): Promise<void>
}

/** A function as an expression for the page. */
export const asExpression = <A, R>(f: (argument: A) => R | Promise<R>, argument: A): string => `(${f})(${JSON.stringify(argument ?? null)})`

/** Rejects where the promise takes longer. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => { timer = setTimeout(() => reject(new Error(`${what}: no answer in ${ms} ms`)), ms) })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
