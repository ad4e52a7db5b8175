// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
)

// localComm is a communicator to a shell on this host. Installing scripts get
// their root prefixed, so that nothing outside the test's directory is touched.
type localComm struct {
	t    *testing.T
	root string
	// failUpload fails the upload of the file with this name.
	failUpload string
	// hang makes commands that contain this text never end; hung is told of each.
	hang string
	hung chan struct{}

	mutex    sync.Mutex
	commands []string
	modes    map[string]fs.FileMode
	dirMode  fs.FileMode
}

var _ packersdk.Communicator = (*localComm)(nil)

func (c *localComm) Start(_ context.Context, cmd *packersdk.RemoteCmd) error {
	c.mutex.Lock()
	c.commands = append(c.commands, cmd.Command)
	c.mutex.Unlock()
	if c.hang != "" && strings.Contains(cmd.Command, c.hang) {
		close(c.hung)
		return nil
	}
	go func() {
		err := command.Host{}.Run(c.t.Context(), command.Command{
			Path: "/bin/sh", Args: []string{"-c", cmd.Command}, Stdin: cmd.Stdin, Stdout: cmd.Stdout, Stderr: cmd.Stderr,
		})
		status := 0
		var exit *command.ExitError
		if errors.As(err, &exit) {
			status = exit.Status
		} else if err != nil {
			status = packersdk.CmdDisconnect
		}
		cmd.SetExited(status)
	}()
	return nil
}

func (c *localComm) Upload(path string, in io.Reader, info *os.FileInfo) error {
	name := filepath.Base(path)
	if name == c.failUpload {
		return errors.New("no space left on device")
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if slices.Contains([]string{"install.sh", "generalise.sh", "prove.sh"}, name) {
		text = bytes.Replace(text, []byte("root=''"), []byte("root='"+c.root+"'"), 1)
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.modes == nil {
		c.modes = map[string]fs.FileMode{}
	}
	c.modes[name], c.dirMode = (*info).Mode(), dir.Mode().Perm()
	return os.WriteFile(path, text, (*info).Mode())
}

func (c *localComm) UploadDir(string, string, []string) error { return errors.New("not needed") }
func (c *localComm) Download(string, io.Writer) error         { return errors.New("not needed") }
func (c *localComm) DownloadDir(string, string, []string) error {
	return errors.New("not needed")
}

// bench is a provisioner with a place to work.
type bench struct {
	t    *testing.T
	comm *localComm
	tmp  string
	p    *Provisioner
	said bytes.Buffer
}

func newBench(t *testing.T, config map[string]any) *bench {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: the seed belongs to root")
	}
	b := &bench{t: t, comm: &localComm{t: t, root: t.TempDir()}, tmp: t.TempDir(), p: &Provisioner{}}
	if _, given := config["remote_folder"]; !given {
		config["remote_folder"] = b.tmp
	}
	if err := b.p.Prepare(config); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) provision(ctx context.Context) error {
	ui := &packersdk.BasicUi{Reader: &bytes.Buffer{}, Writer: &b.said, ErrorWriter: &b.said}
	return b.p.Provision(ctx, ui, b.comm, map[string]any{"ID": "x"})
}

func (b *bench) must() {
	b.t.Helper()
	if err := b.provision(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// read returns a file of the target.
func (b *bench) read(path string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.comm.root, path))
	if err != nil {
		b.t.Error(err)
	}
	return string(text)
}

// clean fails unless the upload was removed.
func (b *bench) clean() {
	b.t.Helper()
	left, err := os.ReadDir(b.tmp)
	if err != nil || len(left) > 0 {
		b.t.Errorf("left on the machine: %v, %v", left, err)
	}
}

const secret = "s3cret-pass"

func TestProvisionInstallsTheSeed(t *testing.T) {
	userData := "## template: jinja\n#cloud-config\nhostname: {{ ds.meta_data.name }}\npassword: " + secret + "\n"
	b := newBench(t, map[string]any{
		"user_data":   userData,
		"meta_data":   "name: '{{ web }}'\n",
		"instance_id": "i-7", "hostname": "web-7",
		"network_config": "version: 2\nethernets: {}\n",
		"vendor_data":    "#!/bin/sh\necho {{ x }}\n",
	})
	b.must()
	want := map[string]string{
		"user-data": userData, "meta-data": "instance-id: i-7\nlocal-hostname: web-7\nname: '{{ web }}'\n",
		"network-config": "version: 2\nethernets: {}\n", "vendor-data": "#!/bin/sh\necho {{ x }}\n",
	}
	for name, text := range want {
		if got := b.read(nocloud.SeedDir + "/" + name); got != text {
			t.Errorf("%s is %q, want %q", name, got, text)
		}
	}
	if got := b.read(nocloud.PinFile); got != nocloud.Pin {
		t.Errorf("the pin is %q", got)
	}
	for name, mode := range b.comm.modes {
		want := nocloud.FileMode
		if strings.HasSuffix(name, ".sh") {
			want = 0o755 // for who connects, where uploads are root's
		}
		if mode != want {
			t.Errorf("%s was uploaded with mode %v", name, mode)
		}
	}
	if b.comm.dirMode != 0o700 {
		t.Errorf("the upload directory has mode %v", b.comm.dirMode)
	}
	b.clean()
	said := b.said.String()
	for _, text := range []string{"instance-id i-7", nocloud.SeedDir, nocloud.PinFile, "user-data (", "nothing will read it"} {
		if !strings.Contains(said, text) {
			t.Errorf("nothing said of %q in\n%s", text, said)
		}
	}
	if all := said + strings.Join(b.comm.commands, "\n"); strings.Contains(all, secret) {
		t.Errorf("the secret shows:\n%s", all)
	}
}

func TestSecondProvisionSaysUnchanged(t *testing.T) {
	b := newBench(t, map[string]any{})
	b.must()
	b.said.Reset()
	b.must()
	if strings.Count(b.said.String(), "unchanged") != 2 {
		t.Error(b.said.String())
	}
}

func TestPinCanBeLeftOut(t *testing.T) {
	b := newBench(t, map[string]any{"pin_datasource": "false"})
	b.must()
	if _, err := os.Stat(filepath.Join(b.comm.root, nocloud.PinFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a pin: %v", err)
	}
	if !strings.Contains(b.said.String(), "not pinned") {
		t.Error(b.said.String())
	}
}

func TestExecuteCommandIsUsed(t *testing.T) {
	b := newBench(t, map[string]any{"execute_command": "chmod +x {{ .Path }}; {{ .Vars }} env ID={{ build `ID` }} sh '{{ .Path }}'"})
	b.must()
	if got := strings.Join(b.comm.commands, "\n"); !strings.Contains(got, "env ID=x sh '"+b.tmp) {
		t.Error(got)
	}
}

func TestUnprivilegedUserIsTold(t *testing.T) {
	if _, err := user.Lookup("nobody"); err != nil {
		t.Skip("no user nobody")
	}
	b := newBench(t, map[string]any{"execute_command": "setpriv --reuid 65534 --clear-groups sh -s < {{ .Path }}"})
	err := b.provision(t.Context())
	if err == nil || !strings.Contains(err.Error(), "only root") || !strings.Contains(err.Error(), "sudo -n sh") {
		t.Error(err)
	}
	b.clean()
}

// strangers is a communicator of docker's to a machine that has no such user.
type strangers struct{ *localComm }

func (strangers) Start(_ context.Context, cmd *packersdk.RemoteCmd) error {
	io.WriteString(cmd.Stdout, "unable to find user bert: no matching entries in passwd file\r\n")
	cmd.SetExited(126)
	return nil
}

func TestUnknownUserIsTold(t *testing.T) {
	b := newBench(t, map[string]any{})
	_, err := b.p.scripts(strangers{b.comm}, nil).install(t.Context(), nocloud.Installer{}, nocloud.Rendered{})
	if err == nil || !strings.Contains(err.Error(), "exit status 126: unable to find user bert: no matching entries in passwd file; see that the communicator connects as a user") || strings.Contains(err.Error(), "removing") {
		t.Error(err)
	}
}

func TestSudoUser(t *testing.T) {
	if _, err := os.Stat("/usr/bin/sudo"); err != nil {
		t.Skip("no sudo")
	}
	b := newBench(t, map[string]any{"execute_command": "sudo -n sh {{ .Path }}"})
	b.must()
	b.clean()
}

func TestFailuresLeaveNothingBehind(t *testing.T) {
	for name, c := range map[string]struct {
		config map[string]any
		upload string
		says   []string
		root   string
	}{
		"upload":          {upload: "meta-data", says: []string{"uploading meta-data: no space left on device; if ", "set remote_folder"}},
		"script upload":   {upload: "install.sh", says: []string{"uploading install.sh"}},
		"command fails":   {config: map[string]any{"execute_command": "echo broken >&2; false {{ .Path }}"}, says: []string{"exit status 1", "broken"}},
		"command lies":    {config: map[string]any{"execute_command": "true {{ .Path }}"}, says: []string{"did not report", "execute_command"}},
		"no such program": {config: map[string]any{"execute_command": "nonexistent-sudo sh {{ .Path }}"}, says: []string{"exit status 127", "see that the machine has what it names"}},
		"not executable":  {config: map[string]any{"execute_command": "chmod -x {{ .Path }}; {{ .Path }}"}, says: []string{"exit status 126", "noexec"}},
		"read-only machine": {config: map[string]any{"execute_command": "unshare -m sh -c 'mount -t tmpfs -o ro none ROOT && sh {{ .Path }}'"},
			says: []string{"exit status 1", "/etc", "ead-only file system"}},
		"full machine": {config: map[string]any{"execute_command": "unshare -m sh -c 'mount -t tmpfs -o size=4k none ROOT && sh {{ .Path }}; status=$?; find ROOT -name .nocloud.new | grep . && exit 99; exit $status'"},
			says: []string{"exit status 1", "o space left on device"}},
		"read-only etc": {config: map[string]any{"execute_command": "unshare -m sh -c 'mkdir ROOT/etc && mount -t tmpfs -o ro none ROOT/etc && sh {{ .Path }}; status=$?; umount ROOT/etc && rmdir ROOT/etc; exit $status'"},
			says: []string{"exit status 1", "/etc/cloud", "ead-only file system"}},
		"full var": {config: map[string]any{"execute_command": "unshare -m sh -c 'mkdir ROOT/var && mount -t tmpfs -o size=4k none ROOT/var && cd ROOT/var && mkdir -p lib/cloud/seed/nocloud && echo former >lib/cloud/seed/nocloud/user-data && sh {{ .Path }}; status=$?; [ $(find ROOT -type f) = ROOT/var/lib/cloud/seed/nocloud/user-data ] || exit 99; cd / && umount ROOT/var && rm -r ROOT/var ROOT/etc; exit $status'"},
			says: []string{"exit status 1", "o space left on device"}},
		"folder missing": {config: map[string]any{"remote_folder": "/nonexistent/folder"}, says: []string{"/nonexistent/folder", "remote_folder"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.config == nil {
				c.config = map[string]any{}
			}
			c.config["user_data"] = "#cloud-config\npassword: " + secret + "\n"
			if command, ok := c.config["execute_command"].(string); ok {
				root := t.TempDir()
				c.config["execute_command"] = strings.ReplaceAll(command, "ROOT", root)
				defer func(root string) { checkEmpty(t, root) }(root)
				c.root = root
			}
			b := newBench(t, c.config)
			if c.root != "" {
				b.comm.root = c.root
			}
			b.comm.failUpload = c.upload
			err := b.provision(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("no %q in %q", text, err)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Error("the secret shows")
			}
			b.clean()
		})
	}
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left in %s: %v, %v", dir, left, err)
	}
}

func TestCancelStopsAndCleansUp(t *testing.T) {
	b := newBench(t, map[string]any{})
	ctx, cancel := context.WithCancel(t.Context())
	b.comm.hang, b.comm.hung = "install.sh", make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- b.provision(ctx) }()
	<-b.comm.hung
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	b.clean()
	b.comm.commands = nil
	if err := b.provision(ctx); !errors.Is(err, context.Canceled) || len(b.comm.commands) > 0 {
		t.Errorf("with a cancelled context: %v, %v", err, b.comm.commands)
	}
}

// A cancelled mkdir may have been carried out, although nobody waited for its end.
func TestCancelledMkdirIsUndone(t *testing.T) {
	b := newBench(t, map[string]any{})
	ctx, cancel := context.WithCancel(t.Context())
	b.comm.hang, b.comm.hung = "mkdir", make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- b.provision(ctx) }()
	<-b.comm.hung
	dir := regexp.MustCompile("'(.*)'").FindStringSubmatch(b.comm.commands[0])[1]
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	b.clean()
}

func TestFilesAreReadAgainWhenProvisioning(t *testing.T) {
	file := filepath.Join(t.TempDir(), "user-data")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("#cloud-config\na: 1\n")
	b := newBench(t, map[string]any{"user_data_file": file})
	write("#cloud-config\na: 2\n")
	b.must()
	if got := b.read(nocloud.SeedDir + "/user-data"); got != "#cloud-config\na: 2\n" {
		t.Errorf("installed %q", got)
	}
	write("a: 3\n")
	if err := b.provision(t.Context()); err == nil || !strings.Contains(err.Error(), "header is missing") {
		t.Error(err)
	}
}

// Of what a command says without end, the beginning is kept.
func TestOutputIsBounded(t *testing.T) {
	var o output
	for range 3 {
		if n, err := o.Write(bytes.Repeat([]byte("x"), maxOutput/2+1)); n != maxOutput/2+1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if got := len(o.String()); got != maxOutput {
		t.Errorf("%d bytes are kept", got)
	}
}
