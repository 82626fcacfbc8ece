/** The name by which `await using` ends things, in browsers that do not know it as well. */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? /* @__PURE__ */ Symbol.for('Symbol.asyncDispose')
