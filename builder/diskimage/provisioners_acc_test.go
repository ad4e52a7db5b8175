// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAccProvisioners runs what every Packer has, and ours, in the tiny system.
func TestAccProvisioners(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	copyFixtures(t, "testdata/provisioners/tiny", w.dir)
	writeUploads(t, filepath.Join(w.dir, "upload"))
	body, err := os.ReadFile(filepath.Join(w.dir, "body.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	template := w.template(`
  elements = ["tiny-os"]
  formats  = ["raw"]`, string(body))
	status, out := runPacker(t, w.dir, w.env(), "build", template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	image := filesOf(t, filepath.Join(w.output, "tiny.raw"), "/etc", "/srv", "/var", "/tmp")
	t.Run("shell", func(t *testing.T) { checkShell(t, image, out) })
	t.Run("file", func(t *testing.T) { checkFile(t, image, filepath.Join(w.dir, "down")) })
	t.Run("shell-local", func(t *testing.T) {
		wantContent(t, filepath.Join(w.dir, "hostname"), "tiny\n")
		wantContent(t, filepath.Join(w.dir, "generated"),
			fmt.Sprintf("Linux\namd64\n%s\n%s/tiny.raw\ndiskimage\n", w.output, w.output))
		wantContent(t, image+"/etc/from-host", "from the host\n")
	})
	t.Run("hcp-sbom", func(t *testing.T) {
		wantContent(t, filepath.Join(w.dir, "sbom.json"), `{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[]}`)
	})
	t.Run("breakpoint", func(t *testing.T) {
		if !strings.Contains(out, `note "not now" disabled`) {
			t.Errorf("no word of the disabled breakpoint:\n%s", out)
		}
	})
	t.Run("diskimage-nocloud", func(t *testing.T) {
		seed := image + "/var/lib/cloud/seed/nocloud"
		wantContent(t, seed+"/user-data", "#cloud-config\npackages: [nginx]\n")
		if text, err := os.ReadFile(seed + "/meta-data"); err != nil || !strings.Contains(string(text), "tiny") {
			t.Errorf("meta-data: %q %v", text, err)
		}
	})
}

func checkShell(t *testing.T, image, out string) {
	dir := image + "/etc/shell/"
	wantContent(t, dir+"inline", "<two  words>\n<it's \"quoted\">\n<$HOME $(id) `id` $$ \\n !>\n<>\n"+
		"<Überraschung → ✓>\n<one\ntwo>\n</>\n")
	wantContent(t, dir+"user", "0\n")
	wantContent(t, dir+"script", "0\ntiny\ndiskimage\n/tmp/script\n/\n0022\nnone\n")
	wantContent(t, dir+"scripts", "first\nsecond\n")
	wantContent(t, dir+"env-file", "it's in a file\n")
	wantContent(t, dir+"exit-code", "reached\n")
	text, err := os.ReadFile(dir + "execute-command")
	lines := strings.Split(string(text), "\n")
	if err != nil || len(lines) != 6 || !strings.HasPrefix(lines[0], "/var/log/script_") ||
		strings.Join(lines[1:], "\n") != "an argument\n42\na value\nnone\n" {
		t.Errorf("execute_command: %q %v", text, err)
	}
	for _, line := range []string{"to stdout", "to stderr", "no newline at the end"} {
		if !strings.Contains(out, "diskimage.tiny: "+line+"\n") {
			t.Errorf("packer did not show %q", line)
		}
	}
	for _, pattern := range []string{"/tmp/*", "/var/log/script_*"} {
		if left, err := filepath.Glob(image + pattern); err != nil || len(left) > 0 {
			t.Errorf("left in the image: %v %v", left, err)
		}
	}
}

func checkFile(t *testing.T, image, down string) {
	srv := image + "/srv/"
	const program = "#!/bin/sh\necho a program\n"
	for _, path := range []string{"program", "existing/program", "made for it/program", "sources/program"} {
		wantContent(t, srv+path, program)
		wantMode(t, srv+path, 0o751)
	}
	wantContent(t, srv+"content", "content with $HOME and 'quotes'\n")
	wantContent(t, srv+"sources/with space", "a name with a space\n")
	for _, dir := range []string{srv + "slash/", srv + "without/tree/", filepath.Join(down, "slash") + "/"} {
		wantContent(t, dir+"one.txt", "one\n")
		wantMode(t, dir+"one.txt", 0o600)
		wantContent(t, dir+"sub/two.txt", "two\n")
		wantContent(t, dir+".hidden/three.txt", "three\n")
		wantMode(t, dir+"empty", fs.ModeDir|0o755)
	}
	if found, err := filepath.Glob(srv + "slash/tree"); err != nil || len(found) > 0 {
		t.Errorf("the slash after the source made a directory of its name: %v %v", found, err)
	}
	wantContent(t, filepath.Join(down, "program"), program)
	wantContent(t, filepath.Join(down, "directory/content"), "content with $HOME and 'quotes'\n")
	wantContent(t, filepath.Join(down, "glob/one.txt"), "one\n")
}

// writeUploads makes what the file provisioner uploads: git keeps no modes, and
// no empty directories.
func writeUploads(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{"tree/sub", "tree/.hidden", "tree/empty"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []struct {
		name, text string
		mode       fs.FileMode
	}{
		{"program", "#!/bin/sh\necho a program\n", 0o751},
		{"with space", "a name with a space\n", 0o644},
		{"tree/one.txt", "one\n", 0o600},
		{"tree/sub/two.txt", "two\n", 0o644},
		{"tree/.hidden/three.txt", "three\n", 0o644},
	} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, []byte(f.text), f.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, f.mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
	}
}

// copyFixtures copies a directory of testdata to where a test may write.
func copyFixtures(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// filesOf copies directories out of an ext file system, with owners and modes,
// and returns where they are.
func filesOf(t *testing.T, filesystem string, dirs ...string) string {
	t.Helper()
	to := t.TempDir()
	for _, dir := range dirs {
		above := filepath.Join(to, filepath.Dir(dir))
		if err := os.MkdirAll(above, 0o755); err != nil {
			t.Fatal(err)
		}
		judge(t, "debugfs", "-R", fmt.Sprintf("rdump %s %s", dir, above), filesystem)
	}
	return to
}

func wantContent(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s is %q, want %q (%v)", path, got, want, err)
	}
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	if info, err := os.Lstat(path); err != nil {
		t.Error(err)
	} else if info.Mode() != want {
		t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
	}
}

// TestAccBreakpoint answers the breakpoint at a terminal, and sees what becomes
// of it without one.
func TestAccBreakpoint(t *testing.T) {
	needPacker(t)
	t.Parallel()
	body := `
  provisioner "breakpoint" { note = "look around" }
  provisioner "shell" { inline = ["echo went on > /etc/after"] }`
	attributes := `
  elements = ["tiny-os"]
  formats  = ["raw"]`
	t.Run("terminal", func(t *testing.T) {
		t.Parallel()
		w := newWorkspace(t)
		r, keys := startPackerAtTerminal(t, w.dir, w.env(), "build", w.template(attributes, body))
		r.waitFor("look around")
		pressEnter(t, r, keys)
		if status := r.wait(); status != 0 {
			t.Fatalf("status %d:\n%s", status, r.output())
		}
		w.assertClean()
		image := filesOf(t, filepath.Join(w.output, "tiny.raw"), "/etc")
		wantContent(t, image+"/etc/after", "went on\n")
	})
	t.Run("no terminal", func(t *testing.T) {
		t.Parallel()
		w := newWorkspace(t)
		status, out := runPacker(t, w.dir, w.env(), "build", w.template(attributes, body))
		if status == 0 || !strings.Contains(out, "look around") || !strings.Contains(out, "no available tty") {
			t.Errorf("status %d:\n%s", status, out)
		}
		w.assertClean()
	})
}

// pressEnter does so until packer ends: it listens a little after it asks.
func pressEnter(t *testing.T, r *packerRun, keys io.Writer) {
	t.Helper()
	deadline := time.After(patience)
	for {
		// Once packer has left it, nobody reads at the terminal any more.
		_, err := io.WriteString(keys, "\r")
		if err != nil && !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		select {
		case <-r.finished:
			return
		case <-deadline:
			t.Fatalf("packer does not go on:\n%s", r.output())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
