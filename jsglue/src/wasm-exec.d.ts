/** wasm_exec.js of the building toolchain, put into a function by build.mjs. */
declare module 'iotwasm:wasm_exec' {
  interface Go {
    importObject: WebAssembly.Imports
    exit: (code: number) => void
    run(instance: WebAssembly.Instance): Promise<void>
  }
  /** Defines Go in `scope`, which the program then sees as its global object. */
  export function defineGo(scope: object): new () => Go
}
