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

func start(cmd *exec.Cmd, _ bool) error { return cmd.Start() }

func status(state *os.ProcessState) int { return state.ExitCode() }
