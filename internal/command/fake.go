// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"sync"
)

// Fake is a Runner for tests: it records every command and runs none.
type Fake struct {
	// Answer decides what a command does; nil means success without output.
	Answer func(c Command) error

	mu       sync.Mutex
	commands []Command
}

// Run records c and returns what Answer says.
func (f *Fake) Run(ctx context.Context, c Command) error {
	f.mu.Lock()
	f.commands = append(f.commands, c)
	f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.Answer == nil {
		return nil
	}
	return f.Answer(c)
}

// Lines returns the command lines in the order they were run.
func (f *Fake) Lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	lines := make([]string, len(f.commands))
	for i, c := range f.commands {
		lines[i] = c.String()
	}
	return lines
}
