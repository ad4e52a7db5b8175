// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"context"
	"fmt"
)

// CopyTree copies a directory tree into an existing directory with owners,
// modes, times, extended attributes, hard links, holes and special files.
// Progress may be nil; its total is not known.
func CopyTree(ctx context.Context, source, target string, progress func(what string, done, total int64)) error {
	var done int64
	c := &copier{source: source, target: target, report: func(bytes int64) {
		done += bytes
		if progress != nil {
			progress("copying "+source, done, 0)
		}
	}}
	if err := c.run(ctx); err != nil {
		return fmt.Errorf("copying %s to %s: %w", source, target, err)
	}
	return nil
}
