/** Time to place, and the ticks of the axis. */

/** Room at both ends for half a mark, in px. */
const margin = 10
/** Least room for a tick with its text, in px. */
const tickRoom = 76
const second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour
const intervals = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, second, 2 * second, 5 * second, 10 * second, 15 * second, 30 * second,
  minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, day,
]

export class Scale {
  /** ms between ticks. */
  readonly interval: number

  /** All times are ms since the epoch, the width is px. */
  constructor(readonly start: number, readonly end: number, readonly width: number, readonly origin: number) {
    const least = tickRoom * this.msPerPixel
    this.interval = intervals.find(i => i >= least) ?? Math.ceil(least / day) * day
  }

  get msPerPixel(): number { return (this.end - this.start) / Math.max(1, this.width - 2 * margin) }

  x(time: number): number { return Math.round((margin + (time - this.start) / this.msPerPixel) * 10) / 10 }

  /** Offsets from the origin, in ms. */
  ticks(): number[] {
    const ticks: number[] = []
    const last = this.end - this.origin
    for (let at = Math.ceil((this.start - this.origin) / this.interval) * this.interval; at <= last; at += this.interval) ticks.push(at)
    return ticks
  }

  /** Decimals of the second that tell the ticks apart. */
  get decimals(): number { return this.interval >= second ? 0 : this.interval >= 100 ? 1 : this.interval >= 10 ? 2 : 3 }

  equals(other: Scale | undefined): boolean {
    return other !== undefined && this.start === other.start && this.end === other.end && this.width === other.width && this.origin === other.origin
  }
}
