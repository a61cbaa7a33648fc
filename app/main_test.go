package app_test

import (
	"fmt"
	"os"
	"testing"

	"plimsoll/app/analysis"
)

// TestMain makes the test binary a child that analyses layers, when a site starts it as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == analysis.ChildCommand {
		if err := analysis.ServeChild(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
