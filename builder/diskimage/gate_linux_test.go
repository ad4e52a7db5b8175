// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// endless runs commands that end when they are killed, and no sooner.
type endless struct {
	packersdk.MockCommunicator
	started atomic.Int32
	killed  chan struct{}
}

func (e *endless) Start(_ context.Context, cmd *packersdk.RemoteCmd) error {
	if cmd.Command == "bad" {
		return errors.New("cannot start")
	}
	e.started.Add(1)
	go func() {
		<-e.killed
		cmd.SetExited(137)
	}()
	return nil
}

func TestGateEndsWhatWasStarted(t *testing.T) {
	inner := &endless{killed: make(chan struct{})}
	g := newGate(inner)
	if err := g.Start(t.Context(), &packersdk.RemoteCmd{Command: "bad"}); err == nil {
		t.Error("a command that cannot start did")
	}
	cmd := &packersdk.RemoteCmd{Command: "sleep"}
	if err := g.Start(t.Context(), cmd); err != nil {
		t.Fatal(err)
	}
	kills := 0
	err := g.shut(t.Context(), func(context.Context) error {
		// The command appears only after the first look.
		if kills++; kills == 2 {
			close(inner.killed)
		}
		return nil
	})
	if err != nil || cmd.ExitStatus() != 137 || kills < 3 {
		t.Errorf("%v, status %d after %d kills", err, cmd.ExitStatus(), kills)
	}
	refused := []error{
		g.Start(t.Context(), &packersdk.RemoteCmd{Command: "late"}),
		g.Upload("/x", nil, nil), g.UploadDir("/x", "/y", nil), g.Download("/x", nil), g.DownloadDir("/x", "/y", nil),
	}
	for i, err := range refused {
		if !errors.Is(err, errShut) {
			t.Errorf("call %d came through a shut gate: %v", i, err)
		}
	}
	if inner.UploadCalled || inner.DownloadCalled || inner.started.Load() != 1 {
		t.Error("something got through")
	}
}

func TestGateTellsWhatCannotBeKilled(t *testing.T) {
	want := errors.New("no")
	err := newGate(&endless{}).shut(t.Context(), func(context.Context) error { return want })
	if !errors.Is(err, want) {
		t.Error(err)
	}
}
