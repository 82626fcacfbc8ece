export const shadows = {
} satisfies Record<keyof typeof import('../en/shadows').shadows, string>
