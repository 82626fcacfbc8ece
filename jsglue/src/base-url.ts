/** What relative addresses are relative to: the page's base, or in a Worker of the page's own that Worker's script. */
export const baseURL = (): string => globalThis.document?.baseURI ?? location.href
