declare const IOTWASM_VERSION: string

/** The package's version, put in by build.mjs. */
export const version: string = IOTWASM_VERSION
