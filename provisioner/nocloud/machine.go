// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// removeTimeout bounds the removal of the upload, which happens even after the
// build was cancelled.
const removeTimeout = 30 * time.Second

// machine is what is reached through a communicator.
type machine struct {
	comm packersdk.Communicator
}

// exitError says that a command on the machine failed. It does not repeat the
// command, in which there may be a password for sudo.
type exitError struct {
	status int
	stderr string
}

func (e *exitError) Error() string {
	if e.status == packersdk.CmdDisconnect {
		return "the connection to the machine was lost"
	}
	text := fmt.Sprintf("exit status %d", e.status)
	if e.stderr != "" {
		text += ": " + e.stderr
	}
	return text
}

// run runs a command, waits for its end or that of ctx, and returns its output, also
// that of a command that failed.
// Not every communicator hears of a cancelled context; then the command is left
// to itself.
func (m machine) run(ctx context.Context, command string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	var stdout, stderr output
	cmd := &packersdk.RemoteCmd{Command: command, Stdout: &stdout, Stderr: &stderr}
	if err := m.comm.Start(ctx, cmd); err != nil {
		return "", fmt.Errorf("starting a command on the machine: %w", err)
	}
	status, err := within(ctx, func() (int, error) { return cmd.Wait(), nil })
	if err != nil {
		return "", err
	}
	if status != 0 {
		return stdout.String(), &exitError{status, strings.TrimSpace(stderr.String())}
	}
	return stdout.String(), nil
}

// within waits for work or for the end of ctx, which leaves the work behind.
func within[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := work()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// privateName chooses the path of a directory in parent. It cannot be guessed. By its
// beginning the installing script knows it, which removes it when nobody else can.
func privateName(parent string) (string, error) {
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", fmt.Errorf("choosing a directory name: %w", err)
	}
	return strings.TrimRight(parent, "/") + "/packer-nocloud-" + hex.EncodeToString(id[:]), nil
}

// inPrivateDir does something with a directory of the connecting user's own, which
// is removed afterwards.
func (m machine) inPrivateDir(ctx context.Context, parent string, work func(dir string) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	dir, err := privateName(parent)
	if err != nil {
		return err
	}
	made := m.privateDir(ctx, dir)
	if status := failure(made).status; status != 0 && status != packersdk.CmdDisconnect {
		return made // it is not there, and may not be ours if it is
	}
	defer func() { err = errors.Join(err, m.remove(ctx, dir)) }()
	if made != nil {
		return made
	}
	return work(dir)
}

// privateDir makes a directory that only the connecting user can enter; mkdir
// takes none that exists already. After an error it may be there all the same: a
// command that was left to itself goes on.
func (m machine) privateDir(ctx context.Context, dir string) error {
	said, err := m.run(ctx, "umask 077 && mkdir '"+dir+"'")
	if err == nil {
		return nil
	}
	advice := "set remote_folder to a directory that the connecting user can write to"
	switch failure(err).status {
	case exitNotExecutable, exitNotThere:
		if said = strings.TrimSpace(said); said != "" { // where docker complains of the user
			err = fmt.Errorf("%w: %s", err, said)
		}
		advice = "see that the communicator connects as a user whom the machine has, with a shell"
	}
	return fmt.Errorf("making the directory %s on the machine: %w; %s", dir, err, advice)
}

// remove removes what was uploaded, also after ctx has ended.
func (m machine) remove(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	if _, err := m.run(ctx, "rm -rf '"+dir+"'"); err != nil {
		return fmt.Errorf("removing %s, which may hold a copy of the seed, from the machine: %w; remove it by hand", dir, err)
	}
	return nil
}

func (m machine) upload(ctx context.Context, dir string, f nocloud.File) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var info os.FileInfo = fileInfo{f}
	_, err := within(ctx, func() (struct{}, error) {
		return struct{}{}, m.comm.Upload(dir+"/"+f.Name, bytes.NewReader(f.Content), &info)
	})
	if err != nil {
		return fmt.Errorf("uploading %s: %w; if %s is on a mount that uploads do not see (a tmpfs in docker), set remote_folder to another directory", f.Name, err, path.Dir(dir))
	}
	return nil
}

// fileInfo describes an upload to the communicator.
type fileInfo struct{ file nocloud.File }

func (i fileInfo) Name() string       { return i.file.Name }
func (i fileInfo) Size() int64        { return int64(len(i.file.Content)) }
func (i fileInfo) Mode() fs.FileMode  { return i.file.Mode }
func (i fileInfo) ModTime() time.Time { return time.Unix(0, 0) }
func (i fileInfo) IsDir() bool        { return false }
func (i fileInfo) Sys() any           { return nil }

// maxOutput is how much of a command's output is kept, in bytes.
const maxOutput = 1 << 20

// output keeps the beginning of what is written to it. A command that was left
// behind may still write while it is read.
type output struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.text.Write(p[:min(len(p), maxOutput-o.text.Len())])
	return len(p), nil
}

func (o *output) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.text.String()
}
