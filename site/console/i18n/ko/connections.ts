export const connections = {
} satisfies Record<keyof typeof import('../en/connections').connections, string>
