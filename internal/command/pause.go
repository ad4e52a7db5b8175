// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"time"
)

// Pause waits before something is tried again. It returns the context's error
// if that ends first.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
