export const delayed = {
} satisfies Record<keyof typeof import('../en/delayed').delayed, string>
