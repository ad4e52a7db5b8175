// SPDX-License-Identifier: MPL-2.0

// Package release undoes things in the reverse order of their making.
//
// A Stack collects one undo function per resource. Release runs them last in,
// first out, runs each exactly once, goes on after a failure, and returns every
// error with the name of the resource it belongs to.
package release

import (
	"errors"
	"fmt"
	"sync"
)

// Stack is a list of resources to release. The zero value is ready to use and
// safe for concurrent use.
type Stack struct {
	mu    sync.Mutex
	items []item
}

type item struct {
	name string
	undo func() error
}

// Push adds a resource. The name stands before the error when undo fails.
func (s *Stack) Push(name string, undo func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items = append(s.items, item{name, undo})
}

// Release undoes all that was pushed and not yet released, newest first, and
// joins the errors. Calling it again is harmless.
func (s *Stack) Release() error {
	var errs []error
	for {
		it, ok := s.pop()
		if !ok {
			return errors.Join(errs...)
		}
		if err := it.undo(); err != nil {
			errs = append(errs, fmt.Errorf("releasing %s: %w", it.name, err))
		}
	}
}

func (s *Stack) pop() (item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.items) == 0 {
		return item{}, false
	}
	last := s.items[len(s.items)-1]
	s.items = s.items[:len(s.items)-1]
	return last, true
}
