export const messages = {
} satisfies Record<keyof typeof import('../en/messages').messages, string>
