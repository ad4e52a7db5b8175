// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// probed is an element set that builds in seconds and has a hook in each phase.
const probed = `
  elements = ["tiny-os", "probe", "block-device-gpt"]
  formats  = ["raw", "qcow2"]
`

var probedPhases = []string{
	"root.d", "extra-data.d", "pre-install.d", "install.d", "post-install.d",
	"post-root.d", "block-device.d", "pre-finalise.d", "finalise.d", "cleanup.d",
}

// waitingProvisioner is where the tests that stop a build also stop it.
const waitingProvisioner = `
  provisioner "shell" {
    inline = ["if [ \"${var.wait}\" = provisioners ]; then echo waiting in provisioners; sleep 1000; fi"]
  }`

// stopped starts a build that waits in a phase, or in a provisioner, until the
// test has stopped it.
func stopped(t *testing.T, phase string, stop func(*packerRun) error) {
	t.Helper()
	w := newWorkspace(t)
	intact := w.earlier()
	template := w.template(probed, waitingProvisioner)
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	variable := fmt.Sprintf("variable \"wait\" { default = %q }\n", phase)
	if err := os.WriteFile(template, append([]byte(variable), text...), 0o644); err != nil {
		t.Fatal(err)
	}
	r := startPacker(t, w.dir, w.env("PROBE_WAIT="+phase), "build", "-force", template)
	r.waitFor("waiting in " + phase)
	if err := stop(r); err != nil {
		t.Fatal(err)
	}
	if status := r.wait(); status == 0 {
		t.Errorf("the build succeeded:\n%s", r.output())
	}
	w.assertClean()
	intact()
}

// earlier puts an output of an earlier build in place, which must survive.
func (w workspace) earlier() (check func()) {
	w.t.Helper()
	path := filepath.Join(w.output, "tiny.raw")
	if err := os.MkdirAll(w.output, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("earlier"), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return func() {
		w.t.Helper()
		text, err := os.ReadFile(path)
		if err != nil || string(text) != "earlier" {
			w.t.Fatalf("the earlier output is gone: %v", err)
		}
	}
}

func TestAccSuccessLeavesNothingButOutputs(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	template := w.template(probed, `
  provisioner "shell" { inline = ["(sleep 1000 &) ; echo hello > /etc/provisioned"] }`)
	status, out := runPacker(t, w.dir, w.env("PROBE_DAEMON=install.d"), "build", template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	for _, name := range []string{"tiny.raw", "tiny.qcow2"} {
		if _, err := os.Stat(filepath.Join(w.output, name)); err != nil {
			t.Error(err)
		}
	}
	for _, phase := range probedPhases {
		if !strings.Contains(out, "probe of "+phase) {
			t.Errorf("no hook of %s ran", phase)
		}
	}
}

func TestAccFailingHookInEachPhase(t *testing.T) {
	needPacker(t)
	for _, phase := range probedPhases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			intact := w.earlier()
			env := w.env("PROBE_FAIL="+phase, "break=after-error", "break_cmd=echo looking at what ${PROBE_FAIL} left")
			status, out := runPacker(t, w.dir, env, "build", "-force", w.template(probed, ""))
			if status == 0 {
				t.Fatalf("a failing hook did not fail the build:\n%s", out)
			}
			for _, want := range []string{"hook " + phase + "/50-probe", `of element "probe"`, "exit status 7",
				"/testdata/elements/probe/" + phase + "/50-probe", "about to fail", "looking at what " + phase + " left"} {
				if !strings.Contains(out, want) {
					t.Errorf("the error lacks %q:\n%s", want, out)
				}
			}
			w.assertClean()
			intact()
		})
	}
}

func TestAccInterruptInEachPhase(t *testing.T) {
	needPacker(t)
	for _, phase := range append([]string{"provisioners"}, probedPhases...) {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			stopped(t, phase, func(r *packerRun) error {
				// What Ctrl-C at a terminal does: the whole group gets it.
				return syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT)
			})
		})
	}
}

func TestAccKilledPackerAtEachPhase(t *testing.T) {
	needPacker(t)
	for _, phase := range append([]string{"provisioners"}, probedPhases...) {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			stopped(t, phase, func(r *packerRun) error { return r.cmd.Process.Kill() })
		})
	}
}

func TestAccKilledPackerAtRandomTimes(t *testing.T) {
	needPacker(t)
	t.Parallel()
	began := time.Now()
	whole := newWorkspace(t)
	if status, out := runPacker(t, whole.dir, whole.env(), "build", whole.template(probed, "")); status != 0 {
		t.Fatal(out)
	}
	took := time.Since(began)
	seed := time.Now().UnixNano()
	t.Logf("a whole build took %s, seed %d", took, seed)
	random := rand.New(rand.NewSource(seed))
	for i := range 20 {
		after := time.Duration(random.Int63n(int64(took)))
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			w := newWorkspace(t)
			intact := w.earlier()
			r := startPacker(t, w.dir, w.env(), "build", "-force", w.template(probed, ""))
			select {
			case <-time.After(after):
				if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Fatal(err)
				}
			case <-r.finished:
			}
			<-r.finished
			w.assertClean()
			// Packer may die before it shows how far the build has come.
			raw := filepath.Join(w.output, "tiny.raw")
			if info, err := os.Stat(raw); err != nil || info.Size() < 1<<20 {
				intact()
			} else {
				checkFilesystem(t, "ext4", checkTable(t, raw, "gpt", 2, 1))
			}
		})
	}
}

// Everything of a build is killed at once, the supervisor too: then the next
// build is the one that tidies up.
func TestAccNextBuildRemovesStaleDirectories(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	template := w.template(probed, "")
	r := startPacker(t, w.dir, w.env("PROBE_WAIT=cleanup.d"), "build", template)
	r.waitFor("waiting in cleanup.d")
	killPlugins(t, w)
	// Packer may have seen the plugin go and ended by itself.
	if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	<-r.finished
	stale, err := filepath.Glob(w.work + "/diskimage-*")
	if err != nil || len(stale) != 1 {
		t.Fatalf("the killed build should have left its work directory: %v %v", stale, err)
	}
	status, out := runPacker(t, w.dir, w.env(), "build", template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
}

// killPlugins kills every process of the plugin that works in a workspace,
// before any of them can tidy up.
func killPlugins(t *testing.T, w workspace) {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, p := range procs {
		exe, _ := os.Readlink(p + "/exe")
		env, _ := os.ReadFile(p + "/environ")
		var pid int
		if _, err := fmt.Sscanf(p, "/proc/%d", &pid); err != nil {
			continue
		}
		if strings.Contains(filepath.Base(exe), "packer-plugin-diskimage") && strings.Contains(string(env), w.dir) {
			pids = append(pids, pid)
		}
	}
	if len(pids) == 0 {
		t.Fatal("no process of the plugin found")
	}
	for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		for _, pid := range pids {
			if err := syscall.Kill(pid, signal); err != nil && err != syscall.ESRCH {
				t.Fatal(err)
			}
		}
	}
}

// What a hook of root.d mounts is taken down when a later one fails.
func TestAccFailureAfterAMountInRootD(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	more := w.element("mounts", "root.d/20-mounts", `mkdir -p "$TARGET_ROOT/srv"
mount -t tmpfs tmpfs "$TARGET_ROOT/srv"
`)
	status, out := runPacker(t, w.dir, w.env("ELEMENTS_PATH="+more, "PROBE_FAIL=root.d"), "build", w.template(`
  elements = ["tiny-os", "mounts", "probe"]
  formats  = ["raw"]`, ""))
	if status == 0 || strings.Contains(out, "cleaning up") {
		t.Errorf("status %d:\n%s", status, out)
	}
	w.assertClean()
}

func TestAccTwoBuildsInParallel(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	template := w.template(probed, "")
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	both := strings.Replace(string(text), `sources = ["source.diskimage.tiny"]`,
		`source "diskimage.tiny" {
    name       = "one"
    image_name = "one"
  }
  source "diskimage.tiny" {
    name       = "two"
    image_name = "two"
  }`, 1)
	both = strings.Replace(both, `  image_name       = "tiny"`+"\n", "", 1)
	if err := os.WriteFile(template, []byte(both), 0o644); err != nil {
		t.Fatal(err)
	}
	status, out := runPacker(t, w.dir, w.env(), "build", template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	w.assertClean()
	for _, name := range []string{"one.raw", "one.qcow2", "two.raw", "two.qcow2"} {
		if _, err := os.Stat(filepath.Join(w.output, name)); err != nil {
			t.Error(err)
		}
	}
	if diff, err := exec.Command("qemu-img", "compare", filepath.Join(w.output, "one.raw"), filepath.Join(w.output, "one.qcow2")).CombinedOutput(); err != nil {
		t.Errorf("raw and qcow2 differ: %s", diff)
	}
}
