// Package must has the assertions that suites of a store share.
package must

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plimsoll"
)

// NoError ends the test at an error.
func NoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Answer compares what a call returned with what it should return, without an error. Empty
// and nil lists are equal.
func Answer[T any](t *testing.T, got T, err error, want T) {
	t.Helper()
	NoError(t, err)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("unexpected answer (-want +got):\n%s", diff)
	}
}

// Code compares the code of an error.
func Code(t *testing.T, err error, want plimsoll.Code) {
	t.Helper()
	if got := plimsoll.ErrorCode(err); got != want {
		t.Errorf("error code %q, want %q: %v", got, want, err)
	}
}
