export const delayed = {
} as const
