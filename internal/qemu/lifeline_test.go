// SPDX-License-Identifier: MPL-2.0

//go:build unix

package qemu

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// What a life-line is tied to ends with it, and otherwise by itself: status,
// arguments and standard streams are the program's own.
func TestLifeline(t *testing.T) {
	run := func(c command.Command, cut bool) (string, error) {
		t.Helper()
		c, line, err := lifeline(c)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Files[0].Close()
		var out bytes.Buffer
		started, say := io.Pipe()
		c.Stdin = strings.NewReader("typed\n")
		c.Stdout = io.MultiWriter(&out, say)
		ended := make(chan error, 1)
		go func() { ended <- command.Host{}.Run(t.Context(), c); say.Close() }()
		if _, err := started.Read(make([]byte, 1)); err != nil {
			t.Fatalf("%s said nothing: %v", c, <-ended)
		}
		go io.Copy(io.Discard, started)
		if cut {
			line.Close()
		} else {
			defer line.Close()
		}
		select {
		case err := <-ended:
			return out.String(), err
		case <-time.After(patience):
			t.Fatal("it still runs")
			return "", nil
		}
	}
	status := func(err error) int {
		var exit *command.ExitError
		if err == nil || !errors.As(err, &exit) {
			return 0
		}
		return exit.Status
	}
	out, err := run(tool("sh", "-c", `read -r line; echo "$line $1"; exit 7`, "sh", "two  words"), false)
	if out != "typed two  words\n" || status(err) != 7 {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := run(tool("sh", "-c", "echo on; exec sleep 1000"), true); status(err) != 137 {
		t.Errorf("not killed: %v", err)
	}
}
