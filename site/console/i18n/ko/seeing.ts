export const seeing = {
} satisfies Record<keyof typeof import('../en/seeing').seeing, string>
