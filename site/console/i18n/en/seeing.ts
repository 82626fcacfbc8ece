export const seeing = {
} as const
