export const publish = {
} satisfies Record<keyof typeof import('../en/publish').publish, string>
