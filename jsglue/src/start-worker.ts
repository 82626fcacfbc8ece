/** Makes the Worker. Where a page enforces Trusted Types, its address is one of the policy `iotwasm`. */
interface Policy { createScriptURL(url: string): string }

declare const globalThis: { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } }

let policy: Policy | undefined

/** Throws where the browser refuses it: for one, a script of another origin. */
export function startWorker(url: string): Worker {
  try {
    policy ??= globalThis.trustedTypes?.createPolicy('iotwasm', { createScriptURL: url => url })
  } catch {
    // The page's policy does not name it. Without enforcement the address will do.
  }
  return new Worker(policy?.createScriptURL(url) ?? url, { type: 'module' })
}
