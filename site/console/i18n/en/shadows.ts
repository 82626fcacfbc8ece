export const shadows = {
} as const
