// Package sandbox runs work on hostile bytes in children of this binary that can be killed.
//
//	Pool.Run: request, body ─► pipe ─► Serve in the child: Handler ─► pipe ─► answer
//	              └─ pieces ─► shared memory ┘
//
// A child has no credentials and an environment of a few words for the Go runtime; its
// only ways in and out are two pipes, memory that it can read and not write, and two more pipes where the pool
// attends to what it asks. Before it reads the first byte of a request it gives up
// what it can: memory, file size and CPU time beyond its limits, new privileges, and, where
// the kernel has Landlock, every file but those in a private temporary directory and every
// TCP connection. It has no resolver and no HTTP transport. What a kernel lacks is told to
// the pool and logged once; other systems than Linux have the process and its pipes alone.
//
// The pool keeps warm children, so that a request costs a fraction of a millisecond, and
// replaces one that died, has served long, or broke the protocol. A child that dies of a
// request is an error that wraps plimsoll.ErrDied.
//
// The protocol is frames: a byte for the kind, the length of the payload in four bytes, big
// endian, and the payload. What requests and answers hold is the caller's affair, so this
// room knows only the nouns. In the flow it stands beside scan, which fills it with passes
// over layers.
package sandbox
