/** What is put into a page: all scenarios, and a function that runs some of them side by side. */
import type * as mqtt from 'mqtt'
import type { Transcript } from './recorder'
import { runScenario, type Ask } from './run'
import { themes } from './scenarios'
import type { Session } from './types'

/** How a scenario went. */
export interface Ran {
  transcript: Transcript
  ms: number
}

declare global {
  interface Window {
    mqtt: typeof mqtt
    differential: (sessions: Session[], atOnce: number) => Promise<Record<string, Ran>>
    askServer: Ask
    /** Opens so many WebSockets, one after another: Chromium holds back those of a page where many did not open. */
    ease: (url: string, count: number) => Promise<void>
  }
}

window.differential = async (sessions, atOnce) => {
  const all = themes.flatMap(t => t.scenarios)
  const ran: Record<string, Ran> = {}
  const waiting = [...sessions]
  const work = async (): Promise<void> => {
    for (let session = waiting.shift(); session; session = waiting.shift()) {
      const scenario = all.find(s => s.name === session?.scenario)
      if (!scenario) throw new Error(`no scenario ${session.scenario}`)
      const begun = performance.now()
      const transcript = await runScenario(window.mqtt, scenario, session, window.askServer)
      ran[session.scenario] = { transcript, ms: Math.round(performance.now() - begun) }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return ran
}

window.ease = async (url, count) => {
  for (let i = 0; i < count; i++) {
    const socket = new WebSocket(url, ['mqtt'])
    await new Promise<void>(resolve => {
      socket.onopen = () => {
        socket.close()
        resolve()
      }
      socket.onerror = () => { resolve() }
    })
  }
}
