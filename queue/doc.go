// Package queue runs the backlog: it claims pending units of work, calls a [Handler] for each, and
// records the outcome. Packages that create work write a task into the store and call
// [Queue.Wake]; the queue does not depend on them, nor on the packages of the handlers.
//
// The backlog in the store is the only record of what is pending and what runs. A queue claims one
// unit per free worker: when it is woken, when a worker becomes free, and once per second.
//
// The states of a unit, and the [Store] methods that change them:
//
//	         Claim: generation + 1, attempts + 1
//	pending ─────────────────────────────────────► running
//	 ▲ ▲ ▲                                          │ │ │ │
//	 │ │ └─ Sweep (at start), Reclaim (expired ─────┘ │ │ │
//	 │ │    lease): interruptions + 1                 │ │ │
//	 │ └─── Retry (temporary failure), ───────────────┘ │ │
//	 │      Release (shutdown): attempts - 1            │ │
//	 └───── Died (first death of the analysis): ────────┘ │
//	        deaths + 1                                    │
//	                                                      │
//	done ◄── Finish ──────────────────────────────────────┤
//	failed ◄── Finish with a failure, also after the ─────┤
//	           second death                               │
//	failed ◄── Sweep, Reclaim: the third interruption ────┘
//
//	pending, running ──► stopped: the last running task of the unit was stopped,
//	                     or the subject of the unit was removed
//
// Release takes the attempt off the count again, because a shutdown is not a failure.
//
// A unit runs at most once per generation: each claim increments the generation and returns the unit
// to one caller only. The queue extends the leases of its units every 5 seconds. If a unit no longer
// belongs to this process, the queue cancels the handler's context and drops the result.
//
// There is no limit on how long a unit runs. Scans end by stall or budget.
package queue
