// SPDX-License-Identifier: MPL-2.0

package command

import (
	"io"
	"os"
	"sync/atomic"
	"time"
)

// grace is how long the output of processes that a finished program left
// behind is still carried. Without leftovers its end comes at once, and a slow
// reader has all the time it needs.
const grace = 2 * time.Second

// stream carries what a program prints from a pipe to a writer.
type stream struct {
	read, write *os.File
	to          io.Writer
	// carried counts bytes, busy is true while the writer has a piece.
	carried atomic.Int64
	busy    atomic.Bool
	done    chan struct{}
}

// pieceBytes bounds what is carried at once.
const pieceBytes = 32 << 10

func newStream(to io.Writer) (*stream, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &stream{read: read, write: write, to: to, done: make(chan struct{})}, nil
}

// begin starts carrying. The program has its own copy of the writing end.
func (s *stream) begin() {
	_ = s.write.Close() // nothing was written to it here
	go func() {
		defer close(s.done)
		s.carry()
	}()
}

func (s *stream) carry() {
	buffer := make([]byte, pieceBytes)
	to := s.to
	for {
		n, err := s.read.Read(buffer)
		if n > 0 && to != nil {
			s.busy.Store(true)
			if _, err := to.Write(buffer[:n]); err != nil {
				// The reader is gone; the program must not notice.
				to = nil
			}
			s.carried.Add(int64(n)) // first, or finish could take a slow writer for a silent program
			s.busy.Store(false)
		}
		if err != nil {
			return
		}
	}
}

// finish waits for the end of the output. What the program itself printed is
// in the pipe by now. Once that much was carried or nothing waits there, only
// daemons that hold the pipe can still print, and they get no more than the
// time of grace.
func (s *stream) finish() {
	last := s.carried.Load() + pieceBytes + waiting(s.read) // a piece may be under way
	tick := time.NewTicker(grace / 20)
	defer tick.Stop()
	var end time.Time
	for before := s.carried.Load(); ; {
		select {
		case <-s.done:
			_ = s.read.Close() // only read from
			return
		case now := <-tick.C:
			carried := s.carried.Load()
			if end.IsZero() && (carried > last || carried == before && !s.busy.Load() && waiting(s.read) == 0) {
				end = now.Add(grace)
			}
			before = carried
			if !end.IsZero() && now.After(end) {
				_ = s.read.Close() // makes carry end
				<-s.done
				return
			}
		}
	}
}
