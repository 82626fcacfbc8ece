/** The browser's storage, where it lets a page have one: a private window, or a full one, keeps nothing and is no error. */

export function stored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

export function store(key: string, text: string): void {
  try {
    localStorage.setItem(key, text)
  } catch {
    // The page has it, until it is closed.
  }
}
