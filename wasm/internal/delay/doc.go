// Package delay owns delayed publish: runs of steps, each with a time, and the
// one timer that waits for all of them.
//
// A step waits for its time, or for the gate of the step before it; then for the
// link, for its payload where the page is to give it, and for the limits of the
// thing whose shadow it is for; then it is handed to a Sender, whose Delivery tells
// the rest. run.go has what concerns a run as a whole, step.go the way of a step,
// thing.go the limits, scheduler.go the queue and the timer.
//
// Times are those of the wall clock. The timer is set anew at least every maxSleep,
// so that a machine that slept is noticed: what is overdue goes out, and puts off
// the rest of its run, which so keeps its spacing. A clock that is set back moves
// what does not go by a date. Steps that are due together go out in the order of
// their times, and for one time in the order they were given.
//
// Any goroutine may call a Scheduler. It calls Senders from the timer's goroutine
// alone, without its lock; Events with it. It imports wire for its vocabulary.
package delay
