// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"fmt"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
)

// pauseForPerson is how a build waits at a point of break: it tells the way in
// and asks through Packer, as a plugin has no terminal of its own.
func pauseForPerson(ui packersdk.Ui) func(context.Context, pipeline.Pause) error {
	return func(ctx context.Context, at pipeline.Pause) error {
		sayLines(ui, fmt.Sprintf("Stopped at %s. For a shell like that of the hooks of %s, run in another terminal:\n    %s",
			at.Point, at.Phase, at.Entrance))
		answer := make(chan error, 1)
		go func() {
			_, err := ui.Ask("Press enter to go on.")
			answer <- err
		}()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-answer:
			if err == nil {
				return nil
			}
			// Ctrl-C ends the question before the build hears of it.
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(cancelTime):
				return fmt.Errorf("nobody can be asked: %w; run packer at a terminal, or say in break_cmd what to run instead", err)
			}
		}
	}
}
