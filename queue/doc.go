// Package queue runs the backlog: it dispatches pending units of work, calls a [Handler] for
// each, and records the outcome. Packages that create work write a task into the store and call
// [Queue.Wake]; the queue does not depend on them, nor on the packages of the handlers.
//
// The backlog in the store is authoritative. River (https://riverqueue.com) only runs jobs: it
// gets at most two units per worker, in the transaction that marks them queued, and its tables
// are emptied at each start. River uses the store's only writing connection. Therefore code that
// holds a transaction must not call River, except with that transaction.
//
// The states of a unit, and the [Store] methods that change them:
//
//	         Dispatch: generation + 1        Begin: attempts + 1
//	pending ────────────────────────► queued ───────────────────► running
//	 ▲ ▲ ▲ ▲                            │                         │ │ │ │ │
//	 │ │ │ └───── Sweep (at start) ─────┘                         │ │ │ │ │
//	 │ │ └─ Sweep, Reclaim (lease expired): interruptions + 1 ────┘ │ │ │ │
//	 │ └─── Retry (temporary failure), Release (shutdown) ──────────┘ │ │ │
//	 └───── Died (first death of the analysis): deaths + 1 ───────────┘ │ │
//	                                                                    │ │
//	done ◄── Finish ────────────────────────────────────────────────────┤ │
//	failed ◄── Finish with a failure, also the second death ────────────┘ │
//	failed ◄── Sweep, Reclaim: the third interruption ────────────────────┘
//
//	pending, queued, running ──► stopped: the last running task of the unit was stopped
//
// Release takes the attempt off the count again, because a shutdown is not a failure.
//
// A unit runs at most once per generation: Begin accepts it only while it is queued with the
// generation that it was dispatched with, and each dispatch increments the generation. The queue
// extends the leases of its units every 5 seconds. If a unit no longer belongs to this process,
// the queue cancels the handler's context and drops the result.
//
// There is no limit on how long a unit runs. Scans end by stall or budget.
package queue
