// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// Exit statuses for scripts that did not run: of ours, and of shells for commands
// that they cannot run.
const (
	exitNotRoot       = nocloud.ExitNotRoot // generalise has the same
	exitNotExecutable = 126
	exitNotThere      = 127
)

// scriptMode is for scripts. Some communicators upload as root whoever connects
// (docker does): then who connects must be able to read a script to be told by it that
// root is wanted. Nobody else gets into the directory.
const scriptMode fs.FileMode = 0o755

// scripts runs scripts on a machine as the template wants it.
type scripts struct {
	machine
	config    *Config
	generated map[string]any
}

func (p *Provisioner) scripts(comm packersdk.Communicator, generated map[string]any) scripts {
	return scripts{machine{comm}, &p.config, generated}
}

// execute uploads a script into a directory of the connecting user's own, runs it by
// execute_command, and returns its output, also that of a script that failed.
func (s scripts) execute(ctx context.Context, dir, name string, content []byte) (string, error) {
	if err := s.upload(ctx, dir, nocloud.File{Name: name, Mode: scriptMode, Content: content}); err != nil {
		return "", err
	}
	command, err := s.config.command(dir+"/"+name, s.generated)
	if err != nil {
		return "", fmt.Errorf("rendering execute_command: %w", err)
	}
	output, err := s.run(ctx, command)
	switch failure(err).status {
	case exitNotRoot:
		err = fmt.Errorf("%w; set execute_command to run it as root, such as `sudo -n sh {{ .Path }}`", err)
	case exitNotExecutable, exitNotThere:
		err = fmt.Errorf("%w; see that the machine has what it names, and run the script by a shell (`sh {{ .Path }}`), as remote_folder may be mounted noexec", err)
	}
	if err != nil {
		return output, fmt.Errorf("running the script by execute_command: %w", err)
	}
	return output, nil
}

// failure is how a command on the machine failed, nothing for other errors and none.
func failure(err error) exitError {
	if failed := (*exitError)(nil); errors.As(err, &failed) {
		return *failed
	}
	return exitError{}
}

// incomplete is the error for a script that succeeded without saying what it did.
func incomplete(err error) error {
	return fmt.Errorf("%w; check that execute_command runs {{ .Path }} in a shell", err)
}
