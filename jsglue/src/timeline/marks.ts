/** The shapes. Each state has one that is told from the others without colour; all are drawn around 0,0 within 8 units. */
import type { DelayedState } from '../types'
import { svg } from './dom'

export type MarkName = DelayedState | 'planned' | 'now' | 'answered'

/** Filled by the even-odd rule: an inner outline is a hole. */
export const shapes: Record<MarkName, string> = {
  planned: 'M0-9 9 0 0 9-9 0zM0-7.2-7.2 0 0 7.2 7.2 0z',
  // A ring.
  waiting: 'M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0zM-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z',
  // Half a disc in a ring.
  due: 'M0-5.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11zM0-4a4 4 0 0 1 0 8z',
  // A triangle on its way.
  sent: 'M-4-5.5 6 0-4 5.5z',
  // A disc.
  acknowledged: 'M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z',
  // A ticked box.
  accepted: 'M-5.5-5.5h11v11h-11zM-3.9.3-.9 3.3 3.9-1.7 2.6-3-.9.7-2.6-1z',
  // A stop sign.
  rejected: 'M-2.5-6h5L6-2.5v5L2.5 6h-5L-6 2.5v-5zM-3.6-1.1v2.2h7.2v-2.2z',
  // A warning triangle.
  failed: 'M0-6.5 6.8 5.5H-6.8zM-.9-2.6-.6 1.6H.6L.9-2.6zM-.9 2.6v1.8H.9V2.6z',
  // Two chevrons.
  skipped: 'M-5.5-5h2.1L.2 0-3.4 5h-2.1L-1.9 0zM0-5h2.1L5.7 0 2.1 5H0L3.6 0z',
  // A cross.
  cancelled: 'M-5-3.5-3.5-5 0-1.5 3.5-5 5-3.5 1.5 0 5 3.5 3.5 5 0 1.5-3.5 5-5 3.5-1.5 0z',
  // A dash of the time line, and the end of the way from a mark to its acknowledgement.
  now: 'M-.9-7h1.8v3.6h-1.8zM-.9-1.8h1.8v3.6h-1.8zM-.9 3.4h1.8v3.6h-1.8z',
  answered: 'M-7-.6H4V-6H5.6V6H4V.6H-7z',
}

/** A shape as a picture of its own, which a screen reader passes over. */
export function markIcon(name: MarkName): { icon: SVGSVGElement, path: SVGPathElement } {
  const path = svg('path', { d: shapes[name] })
  return { icon: svg('svg', { class: 'icon', viewBox: '-8 -8 16 16', 'aria-hidden': 'true' }, path), path }
}
