// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// afterwards is an error-cleanup-provisioner that says what it finds.
const afterwards = `
  error-cleanup-provisioner "shell" {
    inline = [
      "echo cleaning up in the tree of $(cat /etc/hostname)",
      "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline || true; echo; done",
      "echo run mounts: $(grep -c ' /run ' /proc/self/mountinfo)",
      "echo resolv: $(cat /etc/resolv.conf)",
      "echo gone > /dev/null",
      "(sleep 4711 &)",
    ]
  }`

// checkAfterwards wants the error-cleanup-provisioner to have run in a tree
// that works, with nothing left of the provisioner before it.
func checkAfterwards(t *testing.T, out string) {
	t.Helper()
	_, cleaning, ran := strings.Cut(out, "cleaning up in the tree of tiny\n")
	if !ran {
		t.Fatalf("the error-cleanup-provisioner did not run:\n%s", out)
	}
	resolv, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"run mounts: 1", "resolv: " + strings.Join(strings.Fields(string(resolv)), " ")} {
		if !strings.Contains(cleaning, want) {
			t.Errorf("it lacks %q:\n%s", want, cleaning)
		}
	}
	if strings.Contains(cleaning, "sleep 4711") {
		t.Errorf("it saw what the provisioner before had started:\n%s", cleaning)
	}
}

// What a provisioner left running when it failed, or ran into its timeout, is
// gone before the error-cleanup-provisioner begins.
func TestAccErrorCleanupProvisioner(t *testing.T) {
	needPacker(t)
	t.Parallel()
	for name, c := range map[string]struct {
		provisioner, fails, want string
	}{
		"timeout": {provisioner: `
  provisioner "shell" {
    timeout = "2s"
    inline  = ["(sleep 4711 &)", "sleep 4711"]
  }`},
		"failure": {provisioner: `
  provisioner "shell" { inline = ["(sleep 4711 > /dev/null 2>&1 &)", "exit 3"] }`},
		// The tree is mounted, closed, and on its disk, in turn.
		"post-install.d": {fails: "post-install.d"},
		"block-device.d": {fails: "block-device.d"},
		"cleanup.d":      {fails: "cleanup.d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			status, out := runPacker(t, w.dir, w.env("PROBE_FAIL="+c.fails), "build", w.template(probed, c.provisioner+afterwards))
			if status == 0 {
				t.Errorf("the build succeeded:\n%s", out)
			}
			checkAfterwards(t, strings.ReplaceAll(out, "    diskimage.tiny: ", ""))
			w.assertClean()
		})
	}
}

// -on-error=run-cleanup-provisioner runs just that one, and keeps the tree as
// abort does.
func TestAccOnErrorKeepsTheTree(t *testing.T) {
	needPacker(t)
	t.Parallel()
	for _, mode := range []string{"run-cleanup-provisioner", "abort"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			status, out := runPacker(t, w.dir, w.env(), "build", "-on-error="+mode, w.template(probed, `
  provisioner "shell" { inline = ["echo mine > /etc/mine", "(sleep 4711 &)", "exit 3"] }`+afterwards))
			way := regexp.MustCompile(`enter it:  (.*)`).FindStringSubmatch(out)
			if status == 0 || way == nil {
				t.Fatalf("status %d, or the way in is not told:\n%s", status, out)
			}
			if mode == "abort" && strings.Contains(out, "cleaning up in the tree") {
				t.Errorf("the error-cleanup-provisioner ran:\n%s", out)
			}
			if mode != "abort" {
				checkAfterwards(t, strings.ReplaceAll(out, "    diskimage.tiny: ", ""))
			}
			if got := enter(t, way[1], "cat /etc/mine /etc/resolv.conf"); !strings.Contains(got, "mine\n") || !strings.Contains(got, "nameserver") {
				t.Errorf("not the tree of the build: %s", got)
			}
			away := regexp.MustCompile(`remove it: (.*)`).FindStringSubmatch(out)
			judge(t, "sh", "-c", away[1])
			w.assertClean()
		})
	}
}

// Ctrl-C answers the question of -on-error=ask: everything is cleaned up. A
// second one does not wait for that.
func TestAccAnswers(t *testing.T) {
	needPacker(t)
	t.Parallel()
	for name, keys := range map[string]string{
		"clean up": "c" + enterKey, "interrupt": interruptKey, "interrupt twice": interruptKey + interruptKey,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			c := atTerminal(t, w.dir, w.env("PROBE_FAIL=finalise.d"), "build", "-on-error=ask", w.template(probed, ""))
			c.expect(question)
			c.press(keys)
			if status := c.wait(); status == 0 {
				t.Errorf("the build succeeded:\n%s", c.output())
			}
			w.assertClean()
		})
	}
}

// A provisioner is interrupted: its daemons go as well, and there is no
// error-cleanup-provisioner, since nothing failed.
func TestAccInterruptedProvisioner(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	r := startPacker(t, w.dir, w.env(), "build", w.template(probed, `
  provisioner "shell" { inline = ["(sleep 4711 &)", "echo started", "sleep 4711"] }`+afterwards))
	r.waitFor("started")
	if err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if status := r.wait(); status == 0 || strings.Contains(r.output(), "cleaning up in the tree") {
		t.Errorf("status %d:\n%s", status, r.output())
	}
	w.assertClean()
}

// -debug waits between the steps and tells the way in, once. A shell that is left
// open there does not keep the build from going on.
func TestAccDebug(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	c := atTerminal(t, w.dir, w.env(), "build", "-debug", w.template(probed, `
  provisioner "shell" { inline = ["echo hello > /etc/hello"] }`))
	pause := func(step string) string { return "after run of step '" + step + "'. Press enter to continue. " }
	steps := []string{"stepPrepare", "stepRoot", "stepInstall", "stepGuest", "StepProvision", "stepEndGuest",
		"stepPostInstall", "stepDisk", "stepFinalise", "stepRepeat", "stepSeal", "stepPublish"}
	way := ""
	for _, step := range steps {
		if step == "StepProvision" {
			c.expect("before the next provisioner . Press enter to continue. ")
			c.press(enterKey)
		}
		text := c.expect(pause(step))
		if strings.Contains(text, "nsenter") {
			again := entrance(t, text)
			if again == way {
				t.Errorf("%s: the way in is told again:\n%s", step, text)
			}
			way = again
		}
		switch step {
		case "stepPrepare", "stepSeal", "stepPublish":
			if strings.Contains(text, "nsenter") {
				t.Errorf("%s: a way into no tree:\n%s", step, text)
			}
		case "stepRoot", "StepProvision", "stepDisk":
			checkEntrance(t, way)
			enter(t, way, "exec > /dev/null 2>&1; sleep 4711 &")
		default:
			enter(t, way, "test -d /etc")
		}
		c.press(enterKey)
	}
	for range steps {
		c.expect("Press enter to continue. ")
		c.press(enterKey)
	}
	if status := c.wait(); status != 0 {
		t.Errorf("status %d:\n%s", status, c.output())
	}
	w.assertClean()
}
