// Package queue runs the backlog: it hands pending units of work out, has them worked
// on, and records how they end. Rooms that ask for work write a task into the store and
// ring [Queue.Wake]; rooms that do it are [Handler] functions. The queue knows neither.
//
// The backlog is the truth. River (https://riverqueue.com) only executes: it is given at
// most two units for each worker, in the transaction that marks them queued, and what it
// remembers is thrown away at each start. It runs over the store's own writing connection,
// so nothing here talks to River while it holds a transaction, except through it.
//
// The states of a unit:
//
//	          Dispatch: generation + 1       Begin: attempts + 1
//	pending ──────────────────────► queued ─────────────────────► running
//	 ▲ ▲ ▲                            │                           │ │ │ │
//	 │ │ └────── Sweep (start) ───────┘                           │ │ │ │
//	 │ └──── Sweep, Reclaim (lease ended): interruptions + 1 ─────┘ │ │ │
//	 ├────── Retry (temporary failure), Release (shutdown) ─────────┘ │ │
//	 └────── Died (first death of the analysis): deaths + 1 ──────────┤ │
//	                                                                  │ │
//	done ◄─────────────────────────── Finish ─────────────────────────┘ │
//	failed ◄── Finish (also the second death), or the third interruption ───────────────────────┘
//	stopped ◄── the last running task that waits for an open unit is stopped
//
// A unit is worked on at most once a generation: Begin takes it only while it is queued
// with the generation it was handed out with, and the generation rises with each
// hand-out. A worker extends its leases every 5 seconds; whoever finds that a unit is not
// his any more cancels its handler's context and lets go of the result.
//
// There is no limit on how long a unit runs. Scans end by stall or budget.
package queue
