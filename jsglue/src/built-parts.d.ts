/** Modules that build.mjs makes of the sources: see parts.ts. */

/** A part, built alone: what it takes of core.ts it is called with. */
interface Part<T> { default(core: unknown): T }

declare module 'iotwasm:core' {
  /** What core.ts exports. */
  export const core: () => unknown
}
declare module 'iotwasm:features' {
  const part: Part<typeof import('./features')>['default']
  export default part
}
declare module 'iotwasm:page-host' {
  const part: Part<typeof import('./page-host')>['default']
  export default part
}
declare module 'iotwasm:cognito-calls' {
  const part: Part<typeof import('./cognito-calls')>['default']
  export default part
}
