// node dev.mjs APP: Vite's development server for an app; prints its address.
// @ts-check
import react from '@vitejs/plugin-react'
import { createServer } from 'vite'

const root = process.argv[2]
const server = await createServer({ root, cacheDir: `${root}/.vite`, configFile: false, plugins: [react()], logLevel: 'warn', server: { host: '127.0.0.1', port: 0 } })
await server.listen()
console.log(server.resolvedUrls?.local[0])
