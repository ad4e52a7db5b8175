// SPDX-License-Identifier: MPL-2.0

package release

import (
	"errors"
	"strings"
	"testing"
)

func TestReleaseRunsNewestFirstAndKeepsEveryError(t *testing.T) {
	first, third := errors.New("first broke"), errors.New("third broke")
	var order []string
	var s Stack
	s.Push("one", func() error { order = append(order, "one"); return first })
	s.Push("two", func() error { order = append(order, "two"); return nil })
	s.Push("three", func() error { order = append(order, "three"); return third })

	err := s.Release()
	if got := strings.Join(order, " "); got != "three two one" {
		t.Errorf("order %q", got)
	}
	if !errors.Is(err, first) || !errors.Is(err, third) {
		t.Errorf("errors lost: %v", err)
	}
	if !strings.Contains(err.Error(), "releasing three: third broke") {
		t.Errorf("error does not name its resource: %v", err)
	}
	if err := s.Release(); err != nil || len(order) != 3 {
		t.Errorf("second release ran again: %v %v", err, order)
	}
}
