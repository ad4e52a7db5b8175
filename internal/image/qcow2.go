// SPDX-License-Identifier: MPL-2.0

package image

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// maxCoroutines is the highest value of "qemu-img convert -m".
const maxCoroutines = 16

// encodeQCOW2 lets qemu-img convert the disk. Its caches need no flushing, as
// the whole file is flushed afterwards.
func encodeQCOW2(ctx context.Context, runner command.Runner, spec Spec) error {
	args, err := convertArguments(spec)
	if err != nil {
		return err
	}
	err = runner.Run(ctx, command.Command{
		Path:   "qemu-img",
		Args:   args,
		Env:    toolEnvironment(),
		Stdout: &percentWriter{tell: spec.Progress},
	})
	if err != nil {
		return fmt.Errorf("converting %s with qemu-img (Debian package qemu-utils): %w", spec.Source, err)
	}
	return syncFile(spec.Destination)
}

func convertArguments(spec Spec) ([]string, error) {
	compression, err := ParseCompression(string(spec.Compression))
	if err != nil {
		return nil, err
	}
	args := []string{"convert", "-p", "-f", "raw", "-O", "qcow2", "-T", "unsafe", "-t", "unsafe"}
	var options []string
	if compression != NoCompression {
		args = append(args, "-c")
		options = append(options, "compression_type="+string(compression))
	}
	if text := spec.Options.argument(options...); text != "" {
		args = append(args, "-o", text)
	}
	args = append(args, "-m", strconv.Itoa(coroutines()))
	if !spec.Reproducible {
		// Clusters are then written as they come: nearly twice as fast on two
		// processors, but in another order each time.
		args = append(args, "-W")
	}
	return append(args, spec.Source, spec.Destination), nil
}

// coroutines keeps every processor busy and a few requests waiting: four to a
// processor were a tenth quicker than two.
func coroutines() int { return min(max(4*runtime.NumCPU(), 8), maxCoroutines) }

// toolEnvironment is fixed but for PATH: errors are read, so they are in English.
func toolEnvironment() []string {
	env := []string{"LC_ALL=C"}
	if path := os.Getenv("PATH"); path != "" {
		env = append(env, "PATH="+path)
	}
	return env
}
