package base

import (
	"fmt"
	"strings"
	"testing"
)

func TestOperationWithoutAccessIsRefused(t *testing.T) {
	defer func() {
		if p := fmt.Sprint(recover()); !strings.Contains(p, "forgotten does not say who may call it") {
			t.Errorf("an operation without an access ends with %s", p)
		}
	}()
	new(Server).register(&Family{}, Operation{ID: "forgotten"})
}
