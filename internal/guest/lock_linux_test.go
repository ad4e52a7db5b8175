// SPDX-License-Identifier: MPL-2.0

//go:build linux

package guest

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	release, err := lock(t.Context(), file, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(t.Context(), file, 0); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "another build has held "+file) {
		t.Errorf("a held lock was given: %v", err)
	}
	release()
	again, err := lock(t.Context(), file, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	again()
}
