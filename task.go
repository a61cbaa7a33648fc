package plimsoll

import "time"

// WorkKind is the kind of a unit of work.
type WorkKind string

// The kinds of work.
const (
	WorkSync    WorkKind = "sync"    // read one registry
	WorkScan    WorkKind = "scan"    // look inside one artifact
	WorkRematch WorkKind = "rematch" // judge stored package sets again

	WorkDecisions WorkKind = "decisions" // recount images after decisions
	WorkPasswords WorkKind = "passwords" // compare a project's images with its list of weak passwords
)

// Priority orders work of one project; higher first.
type Priority int

// The priorities.
const (
	PriorityBulk        Priority = 0
	PriorityInteractive Priority = 10
)

// TaskState is how far a task has come.
type TaskState string

// The task states.
const (
	TaskRunning  TaskState = "running"
	TaskFinished TaskState = "finished"
	TaskStopped  TaskState = "stopped"
)

// Task is what a user asked for and can watch.
type Task struct {
	ID int64 `json:"id"`
	Tenant
	Kind       WorkKind  `json:"kind"`
	By         string    `json:"by"` // user name, or "schedule"
	State      TaskState `json:"state"`
	Total      int       `json:"total"`
	Done       int       `json:"done"`
	Failed     int       `json:"failed"`
	CreatedAt  time.Time `json:"created_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
}

// TaskBySync is the By of the scans that a sync found necessary.
const TaskBySync = "sync"

// FollowsSync reports whether a scan task follows from the sync with this task id, or from an earlier one and still runs.
func (t Task) FollowsSync(sync int64) bool {
	return t.By == TaskBySync && (t.ID >= sync || t.State == TaskRunning)
}

// WorkState is the state of one unit in the backlog.
type WorkState string

// The work states. Work that ended stays in the backlog until its task is pruned.
const (
	WorkPending WorkState = "pending"
	WorkRunning WorkState = "running" // a worker holds its lease
	WorkDone    WorkState = "done"
	WorkFailed  WorkState = "failed"
	WorkStopped WorkState = "stopped"
)

// Work is a unit of the backlog. At most one unit of a project, kind and key is
// open (pending or running) at a time.
type Work struct {
	ID     int64
	TaskID int64
	Tenant
	Kind       WorkKind
	Key        string // what to work on: registry id, artifact digest, "" for a rematch, the generation of a password list
	RegistryID int64  // where the bytes come from; 0 if none are needed
	Repository string // of a scan
	Priority   Priority
	Generation int64 // raised with each claim; a worker with an older one has lost the unit
	State      WorkState
	Attempts   int
	Deaths     int // attempts in which the analysis died (ErrDied), before this one
	NotBefore  time.Time
	CreatedAt  time.Time
	Failure    FailureCode
	Detail     string
}
