// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// listing reads the arguments of all processes of the host, as every user can,
// until packer has ended.
type listing struct {
	secrets []string
	// marker are the arguments of a sleep with which a hook waits to be seen.
	marker string
	// leaks are command lines with a secret, stops how often somebody waited.
	leaks []string
	stops int
}

func (l *listing) watch(finished <-chan struct{}) {
	for {
		select {
		case <-finished:
			return
		case <-time.After(20 * time.Millisecond):
		}
		waiting := l.pass()
		if len(waiting) == 0 {
			continue
		}
		// Once more, so that everything that runs beside it was looked at.
		l.pass()
		for _, pid := range waiting {
			l.stops++
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// pass looks at all processes and returns those that wait.
func (l *listing) pass() (waiting []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it ended
		}
		line := strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " "))
		for _, secret := range l.secrets {
			if strings.Contains(line, secret) {
				l.leaks = append(l.leaks, line)
			}
		}
		if line == l.marker {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			waiting = append(waiting, pid)
		}
	}
	return waiting
}

// secretTemplate uses two secrets wherever a user may: one that Packer is told
// of, and one that only this plugin can give away.
const secretTemplate = `
variable "secret" {
  type      = string
  sensitive = true
}
variable "plain" {
  type = string
}
`

func secretSource() string {
	return `
  elements    = ["tiny-os", "reveal", "manifests", "block-device-gpt"]
  formats     = ["raw", "qcow2"]
  environment = {
    REVEAL     = "${var.secret} ${var.plain}"
    DIB_REVEAL = "${var.secret} ${var.plain}"
    REVEAL_TWO = "first\nsecond ${var.plain}"
  }`
}

func secretBuild(marker string) string {
	return fmt.Sprintf(`
  provisioner "shell" {
    environment_vars = ["SECRET=${var.secret}"]
    inline           = ["test \"$SECRET\"", "%s || true", "echo $SECRET > /etc/wanted"]
  }
  provisioner "shell" {
    execute_command = "SECRET='${var.plain}' sh {{ .Path }}"
    inline          = ["%s || true", "test \"$SECRET\""]
  }
  provisioner "diskimage-nocloud" {
    user_data = "#cloud-config\npassword: ${var.secret}\nfinal_message: ${var.plain}\n"
  }`, marker, marker)
}

// A secret is where the user put it and nowhere else.
func TestAccSecrets(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	secret, plain := fmt.Sprintf("sEcReT-%016x", rand.Uint64()), fmt.Sprintf("pLaIn-%016x", rand.Uint64())
	l := &listing{secrets: []string{secret, plain}, marker: fmt.Sprintf("sleep %d", 1e9+rand.Intn(1e9))}
	elements := w.element("reveal", "environment.d/60-reveal", "export REVEALED=\"$REVEAL\"\n")
	for _, phase := range probedPhases {
		w.element("reveal", phase+"/60-reveal", "[ \"$REVEAL\" ] && [ \"$DIB_REVEAL\" ] && [ \"$REVEAL_TWO\" ]\n"+l.marker+" || true\n"+
			"if [ \"${REVEAL_FAIL:-}\" = "+phase+" ]; then exit 9; fi\n")
	}
	template := w.secretTemplate(l.marker)
	variables := filepath.Join(w.dir, "secret.pkrvars.hcl")
	if err := os.WriteFile(variables, fmt.Appendf(nil, "secret = %q\nplain = %q\n", secret, plain), 0o600); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(w.dir, "packer.log")
	env := w.env("ELEMENTS_PATH="+elements, "PACKER_LOG=1", "PACKER_LOG_PATH="+log)
	for _, fail := range []string{"", "install.d", "finalise.d"} {
		before := l.stops
		r := startPacker(t, w.dir, append(env, "REVEAL_FAIL="+fail), "build", "-force", "-var-file="+variables, template)
		l.watch(r.finished)
		status := r.wait()
		if (status == 0) != (fail == "") {
			t.Fatalf("status %d:\n%s", status, r.output())
		}
		if l.stops == before {
			t.Fatal("nobody waited to be seen")
		}
		if fail == "" && l.stops < len(probedPhases)+2 {
			t.Errorf("only %d of the phases and provisioners waited:\n%s", l.stops, r.output())
		}
		text, err := os.ReadFile(log)
		if err != nil || len(text) == 0 {
			t.Fatalf("no log: %v", err)
		}
		for _, s := range l.secrets {
			if strings.Contains(r.output(), s) {
				t.Errorf("%q is in the output:\n%s", s, r.output())
			}
			if bytes.Contains(text, []byte(s)) {
				t.Errorf("%q is in the log:\n%s", s, linesWith(text, s))
			}
		}
	}
	if len(l.leaks) > 0 {
		t.Errorf("command lines show secrets:\n%s", strings.Join(slices.Compact(l.leaks), "\n"))
	}
	w.checkSecretsInOutputs(secret, plain)
	w.assertClean()
}

func (w workspace) secretTemplate(marker string) string {
	w.t.Helper()
	path := w.template(secretSource(), secretBuild(marker))
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append([]byte(secretTemplate), text...), 0o644)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return path
}

// checkSecretsInOutputs: the user wrote one secret to a file, and both into
// user data.
func (w workspace) checkSecretsInOutputs(secret, plain string) {
	w.t.Helper()
	files := 0
	err := filepath.WalkDir(w.output, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		for s, wanted := range map[string]int{secret: 2, plain: 1} {
			found, err := countInFile(path, s)
			if err != nil {
				return err
			}
			switch {
			case filepath.Ext(path) == ".raw" && found != wanted:
				w.t.Errorf("%q is in %s %d times, and was put there %d times", s, path, found, wanted)
			case filepath.Ext(path) != ".raw" && found > 0:
				w.t.Errorf("%q is in %s", s, path)
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if files < 4 { // two images, two manifests at least
		w.t.Errorf("only %d files in %s", files, w.output)
	}
}

func countInFile(path, text string) (int, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	const block = 4 << 20
	buffer := make([]byte, len(text)-1+block)
	kept, found := 0, 0
	for {
		n, err := io.ReadFull(file, buffer[kept:])
		data := buffer[:kept+n]
		found += bytes.Count(data, []byte(text))
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return found, nil
		}
		if err != nil {
			return 0, err
		}
		kept = copy(buffer, data[len(data)-(len(text)-1):])
	}
}

func linesWith(text []byte, word string) string {
	var found []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}
