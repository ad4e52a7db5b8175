// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package command

import (
	"errors"
	"os"
	"os/exec"
)

func configure(_ *exec.Cmd, c Command) error {
	if c.Root != "" {
		return errors.New("running a command in another root needs Linux")
	}
	return nil
}

// waiting is how many bytes are in a pipe: unknown, which costs no more than time.
func waiting(*os.File) int64 { return 0 }

func start(cmd *exec.Cmd, _ bool) error { return cmd.Start() }

func status(state *os.ProcessState) int { return state.ExitCode() }
