/** The texts of `<delayed-run>`: English is the element's own. */
import type { DelayedRunLabels } from 'iotwasm/delayed-run'
import type { Language } from '.'

const outcomes = ['accepted', 'rejected', 'failed', 'skipped', 'cancelled'] as const

const ms = (deviation: number): string => Math.abs(deviation) < 1000 ? `${Math.round(Math.abs(deviation))} ms` : `${(Math.abs(deviation) / 1000).toFixed(1)}초`

export const runLabels: Record<Language, Partial<DelayedRunLabels> & ThisType<DelayedRunLabels>> = {
  en: {},
  ko: {
    runState: { running: '실행 중', paused: '일시 정지', standby: '대기: 다른 탭이 보냄', finished: '끝남' },
    stepState: {
      waiting: '대기', due: '시각 됨', sent: '보냄', acknowledged: '확인됨', accepted: '수락됨', rejected: '거부됨', failed: '실패', skipped: '건너뜀', cancelled: '취소됨',
    },
    step: '단계', state: '상태', timeline: '타임라인', deviation: '편차', actions: '취소', pause: '일시 정지', resume: '계속', cancelRun: '실행 취소', legend: '범례', now: '지금',
    planned: '예정', sent: '보냄', acknowledged: '확인 시각', attempts: '시도', answer: '응답', error: '오류', interrupted: '확인 전에 링크가 끊어짐',
    run: id => `실행 ${id}`,
    summary({ total, sent, states }) {
      return [`${total}개 중 ${sent}개 ${this.stepState.sent}`, ...outcomes.filter(o => states[o]).map(o => `${states[o]}개 ${this.stepState[o]}`)].join(', ')
    },
    marks(step, offset) {
      const planned = `${this.time(offset, 3)} 예정`
      if (step.deviation === undefined) return planned
      return `${planned}, ${Math.round(step.deviation) === 0 ? '제때 보냄' : `${ms(step.deviation)} ${step.deviation < 0 ? '일찍' : '늦게'} 보냄`}`
    },
    cancelStep: index => `단계 ${index + 1} 취소`,
    stepNumber: (index, total) => total ? `${total}단계 중 ${index + 1}단계` : `${index + 1}단계`,
    announceState(id, state, counts) {
      const what = `${this.run(id)} ${this.runState[state]}`
      return state === 'running' ? `${what}, ${counts.total}단계` : state === 'finished' ? `${what}: ${this.summary(counts)}` : what
    },
    announceFailures(first, count) {
      const what = `${this.stepNumber(first.index)} ${this.stepState[first.state]}${first.error ? `: ${first.error.message}` : ''}`
      return count === 1 ? what : `${count}단계 ${this.stepState.failed}. ${what}`
    },
  },
}
