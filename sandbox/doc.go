// Package sandbox processes untrusted bytes in child processes of this binary, which can be killed.
//
//	Pool.Run: request, body ─► pipe ─► Serve in the child: Handler ─► pipe ─► answer
//	              └─ pieces ─► shared memory ┘
//
// A child has no credentials, and only a few environment variables for the Go runtime. Its only
// inputs and outputs are two pipes, memory that it can read and not write, and, with
// Options.AnswerQueries, two more pipes for queries to the pool. Before it reads the first request
// it confines itself: it limits its memory, file size and CPU time, gives up new privileges, and,
// where the kernel has Landlock, access to all TCP connections and to all files outside a private
// temporary directory. It has no resolver and no HTTP transport. The pool logs once which of these
// the kernel lacks. On systems other than Linux a child is only a separate process with pipes.
//
// The pool keeps idle children, so that a request costs a fraction of a millisecond. It replaces a
// child that died, broke the protocol, or has served Options.Calls requests. If a child dies during
// a request, the error wraps plimsoll.ErrDied.
//
// The protocol consists of frames: one byte for the kind, the length of the payload in four bytes,
// big endian, and the payload. Requests and answers are opaque to this package, so it imports only
// the root package. Package scan uses it to analyse layers.
package sandbox
