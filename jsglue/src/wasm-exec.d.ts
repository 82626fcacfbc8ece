/** wasm_exec.js of the building toolchain, put into a function by build.mjs. */
declare module 'iotwasm:wasm_exec' {
  interface Go {
    importObject: WebAssembly.Imports
    exit: (code: number) => void
    run(instance: WebAssembly.Instance): Promise<void>
    /** Enters the program again, for a timer or an event. */
    _resume(): void
    /** Its timers; a timer enters the program over and over while it is still in here. */
    _scheduledTimeouts: Map<number, ReturnType<typeof setTimeout>>
  }
  /** Defines Go in `scope`, which the program then sees as its global object. */
  export function defineGo(scope: object): new () => Go
}
