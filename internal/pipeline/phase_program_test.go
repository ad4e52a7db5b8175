// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// runProgram runs the phase program over files made from scripts.
func runProgram(t *testing.T, environment, hooks []string) (control, out string, status int) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-c", phaseProgram, "test", string(rune('0' + len(environment)))}
	for i, script := range append(environment, hooks...) {
		path := filepath.Join(dir, string(rune('a'+i)))
		if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	err = command.Host{}.Run(t.Context(), command.Command{Path: "bash", Args: args, Stdout: &text, Stderr: &text, Files: []*os.File{write}})
	write.Close()
	told, _ := io.ReadAll(read)
	var exit *command.ExitError
	if errors.As(err, &exit) {
		status = exit.Status
	} else if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(told), dir+"/", ""), text.String(), status
}

func TestPhaseProgramSourcesThenRuns(t *testing.T) {
	control, out, status := runProgram(t,
		[]string{"export A=one; set -- x y z; hooks=gone; count=9", "export B=$A-two"},
		[]string{"#!/bin/sh\necho $A $B $#", "#!/bin/bash\necho second; if { : >&3; } 2>/dev/null; then echo control leaked; fi"})
	if status != 0 || out != "one one-two 0\nsecond\n" {
		t.Errorf("status %d: %q", status, out)
	}
	if control != "source a\nsource b\nstart c\nstop c 0\nstart d\nstop d 0\n" {
		t.Errorf("control: %q", control)
	}
}

func TestPhaseProgramStopsAtTheFirstFailure(t *testing.T) {
	control, out, status := runProgram(t, nil, []string{"#!/bin/sh\nexit 7", "#!/bin/sh\necho never"})
	if status != 7 || out != "" || control != "start a\nstop a 7\n" {
		t.Errorf("status %d, %q, %q", status, out, control)
	}
}

func TestPhaseProgramFailsOnUnboundVariablesInEnvironmentFiles(t *testing.T) {
	for _, script := range []string{"export A=$UNSET_HERE", "false", "exit 3"} {
		control, _, status := runProgram(t, []string{script}, []string{"#!/bin/sh\necho never"})
		if status == 0 || control != "source a\n" {
			t.Errorf("%s: status %d, %q", script, status, control)
		}
	}
}

func TestPhaseProgramWithoutAnything(t *testing.T) {
	if control, out, status := runProgram(t, nil, nil); status != 0 || control != "" || out != "" {
		t.Errorf("%q %q %d", control, out, status)
	}
}
