/** Where a connection is, in words. */
import { t } from '../i18n'
import type { Connection } from '../model/connection'

export function stateText(connection: Connection | undefined): string {
  if (!connection) return t('phase.idle')
  const { phase, detail, retry, client } = connection
  const text = t(`phase.${phase}`)
  if (phase === 'connected') return `${text}: ${client?.clientId ?? ''}`
  if (!detail) return text
  return `${text}: ${t(`detail.${detail}`, retry ? { attempt: retry.attempt, seconds: (retry.delay / 1000).toFixed(1) } : {})}`
}
