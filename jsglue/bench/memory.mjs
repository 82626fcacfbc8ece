// How much memory a page's threads hold, as the debugger counts it.
// @ts-check

/** @typedef {import('puppeteer-core').CDPSession} Session of a page or a Worker */

/**
 * Bytes of JavaScript objects that are still in use, and of what the browser keeps
 * for them: timers are of the embedder.
 *
 * @param {Session} session
 */
export async function heapInUse(session) {
  await session.send('HeapProfiler.enable')
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize, embedderHeapUsedSize } = await session.send('Runtime.getHeapUsage')
  return usedSize + embedderHeapUsedSize
}

/**
 * Bytes of a program's memory, which the debugger finds among the objects of its
 * thread.
 *
 * @param {Session} session
 */
export async function wasmMemory(session) {
  const { result: prototype } = await session.send('Runtime.evaluate', { expression: 'WebAssembly.Memory.prototype' })
  const { objects } = await session.send('Runtime.queryObjects', { prototypeObjectId: prototype.objectId ?? '' })
  const { result } = await session.send('Runtime.callFunctionOn', {
    objectId: objects.objectId, returnByValue: true,
    functionDeclaration: 'function () { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0) }',
  })
  return Number(result.value)
}
