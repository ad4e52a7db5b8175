// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/pgzip"
)

// pigzName is the helper that mkinitramfs takes for pigz.
const pigzName = "dib-pigz"

// pigz is dib-pigz [-1…-9] [-c] [-n] [FILE…]: it compresses the files, or its
// input, to its output, in the gzip format and on all processors. Name and time
// of the files are not in it.
func pigz(_ context.Context, c *call) error {
	level, files, err := pigzArguments(c.args)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return compress(c.stdout, c.stdin, level)
	}
	for _, name := range files {
		file := name
		if filepath.IsAbs(name) {
			file = c.path(name)
		}
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		if err := errors.Join(compress(c.stdout, f, level), f.Close()); err != nil {
			return fmt.Errorf("compressing %s: %w", name, err)
		}
	}
	return nil
}

// pigzArguments reads the command line; what it does not know it refuses, since
// the caller would get something else than it asked for.
func pigzArguments(args []string) (level int, files []string, err error) {
	level = pgzip.DefaultCompression
	for i, arg := range args {
		switch digit, err := strconv.Atoi(strings.TrimPrefix(arg, "-")); {
		case arg == "--":
			return level, append(files, args[i+1:]...), nil
		case arg == "-c" || arg == "-n":
		case !strings.HasPrefix(arg, "-"):
			files = append(files, arg)
		case err == nil && len(arg) == 2 && digit > 0:
			level = digit
		default:
			return 0, nil, statusf(2, "unknown option %s", arg)
		}
	}
	return level, files, nil
}

func compress(to io.Writer, from io.Reader, level int) error {
	w, err := pgzip.NewWriterLevel(to, level)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, from)
	return errors.Join(err, w.Close())
}
