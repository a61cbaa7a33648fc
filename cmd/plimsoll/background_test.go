package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"plimsoll/client"
)

// background is a server that run started in this process.
type background struct {
	url    string
	errs   *lockedBuffer
	cancel context.CancelFunc
	code   chan int
}

// serveInBackground runs args and returns when the server listens.
func serveInBackground(args []string) (*background, error) {
	b := &background{errs: &lockedBuffer{}, code: make(chan int, 1)}
	lines := &lineWatcher{prefix: "listening on ", found: make(chan string, 1)}
	b.start(args, lines)
	select {
	case b.url = <-lines.found:
		return b, nil
	case code := <-b.code:
		return nil, fmt.Errorf("ended with %d before it listened: %s", code, b.errs.String())
	}
}

func (b *background) start(args []string, out io.Writer) {
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	go func() {
		defer cancel()
		b.code <- runProgram(ctx, args, strings.NewReader(""), out, b.errs)
	}()
}

// stop ends the server and returns its exit status.
func (b *background) stop() int {
	b.cancel()
	return <-b.code
}

// signIn returns a token and the id of the project default.
func signIn(endpoint, user, password string) (token, project string, err error) {
	c, err := client.New(context.Background(), client.Config{Endpoint: endpoint, User: user, Password: password})
	if err != nil {
		return "", "", err
	}
	return c.Token(), c.ProjectID(), nil
}

// lockedBuffer may be read while a server writes to it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
