// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"slices"
	"strings"
	"testing"
)

// inChroot are the phases of probedPhases whose hooks run in the image.
var inChroot = []string{"pre-install.d", "install.d", "post-install.d", "finalise.d"}

// where is a break_cmd, or what is typed, that says what a hook would see.
const where = `echo "stop: $PWD, target ${TARGET_ROOT:+given}, home $HOME, hooks $(ls -d /tmp/in_target.d 2> /dev/null), release $DIB_RELEASE"`

// At each point of break that names one, break_cmd runs once, with what the
// hooks of that phase have, and its failure is the build's.
func TestAccBreakCommand(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	var points, want []string
	for _, phase := range probedPhases {
		name := strings.TrimSuffix(phase, ".d")
		seen := "stop: " + w.dir + ", target , home /home/nobody, hooks , release mine"
		switch {
		case slices.Contains(inChroot, phase):
			seen = "stop: /, target , home /root, hooks /tmp/in_target.d, release mine"
		case phase == "root.d" || phase == "cleanup.d":
			seen = strings.Replace(seen, "target ", "target given", 1)
		}
		points = append(points, "before-"+name, " after-"+name)
		want = append(want, "before-"+name, seen, "probe of "+phase, "after-"+name, seen)
	}
	// A phase without hooks is one all the same.
	template := w.template(`
  elements    = ["tiny-os", "probe", "block-device-gpt"]
  environment = { DIB_RELEASE = "mine" }`, "")
	env := w.env("HOME=/home/nobody", "DIB_IMAGE_CACHE="+w.tmp(), "DIB_LOCKFILES="+w.tmp(), "break="+strings.Join(points, ",")+",after-error", "break_cmd="+where)
	status, out := runPacker(t, w.dir, env, "build", template)
	if status != 0 {
		t.Fatalf("status %d:\n%s", status, out)
	}
	if strings.Count(out, "stop: ") != len(points) {
		t.Errorf("break_cmd ran %d times, not %d", strings.Count(out, "stop: "), len(points))
	}
	rest := out
	for _, line := range want {
		_, after, found := strings.Cut(rest, line)
		if !found {
			t.Fatalf("not shown in its place: %q\n%s", line, out)
		}
		rest = after
	}
	w.assertClean()
}

func TestAccBreakCommandsEnd(t *testing.T) {
	needPacker(t)
	t.Parallel()
	for name, c := range map[string]struct {
		env, want []string
	}{
		"it fails": {[]string{"break=after-pre-install", "break_cmd=exit 9"},
			[]string{"stopping at after-pre-install: break_cmd failed with exit status 9"}},
		"outside": {[]string{"break=before-pre-install,after-error", "break_outside_target=1", "break_cmd=" + where, "PROBE_FAIL=install.d"},
			[]string{"before-pre-install: running break_cmd on the host", "stop: DIR, target , home", "hook install.d/50-probe", "exit status 7",
				"after-error: running break_cmd on the host", "stop: DIR, target , home"}},
		"it fails after an error": {[]string{"break=after-error", "break_cmd=false", "PROBE_FAIL=cleanup.d"},
			[]string{"after-error: running break_cmd on the host", "hook cleanup.d/50-probe", "stopping at after-error: break_cmd failed with exit status 1"}},
		"environment.d": {[]string{"break=after-error", "break_cmd=echo looking", "PROBE_ENVIRONMENT=$nothing"},
			[]string{"after-error: running break_cmd", "looking"}},
		"nobody is there": {[]string{"break=before-root"},
			[]string{"Stopped at before-root", "stopping at before-root: nobody can be asked", "break_cmd"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			more := w.element("broken", "environment.d/50-broken", "eval \"${PROBE_ENVIRONMENT:-}\"\n")
			template := w.template(`elements = ["tiny-os", "probe", "broken", "block-device-gpt"]`, "")
			status, out := runPacker(t, w.dir, w.env(append(c.env, "ELEMENTS_PATH="+more)...), "build", template)
			if status == 0 {
				t.Errorf("the build succeeded:\n%s", out)
			}
			for _, want := range c.want {
				if want = strings.ReplaceAll(want, "DIR", w.dir); !strings.Contains(out, want) {
					t.Errorf("not shown: %q\n%s", want, out)
				}
			}
			if strings.Contains(out, "echo \"stop") {
				t.Errorf("break_cmd itself is shown:\n%s", out)
			}
			w.assertClean()
		})
	}
}

// Without break_cmd a person is asked, and finds the shell of a hook.
func TestAccBreakWaitsForAPerson(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	env := w.env("break=before-root,before-install,after-finalise,after-error,after-block-device", "DIB_RELEASE=it's mine", "PROBE_FAIL=cleanup.d")
	c := atTerminal(t, w.dir, env, "build", w.template(probed, ""))
	const asked = "Press enter to go on."
	host, chroot := "stop: "+w.dir+", target ", "stop: /, target , home /root, hooks /tmp/in_target.d, release it's mine\n"
	for _, stop := range []struct{ point, want string }{
		{"before-root", host + "given"}, {"before-install", chroot}, {"after-block-device", host + ","},
		{"after-finalise", chroot}, {"after-error", host + "given"},
	} {
		c.expect("Stopped at " + stop.point + ". For a shell like that of the hooks of ")
		text := c.expect(asked)
		// The terminal's own variables stay outside.
		got := enter(t, "PROBE_LEAK=leak "+entrance(t, text), where+"\necho \"leak: ${PROBE_LEAK:-none}\"; type die get_image_element_array 2> /dev/null | grep -c function || true")
		if !strings.Contains(got, stop.want) || !strings.Contains(got, "leak: none") {
			t.Errorf("%s: the shell is not a hook's:\n%s", stop.point, got)
		}
		functions := "\n2\n"
		if stop.want == chroot {
			functions = "\n0\n"
		}
		if !strings.Contains(got, functions) {
			t.Errorf("%s: not the functions of a hook:\n%s", stop.point, got)
		}
		c.press(enterKey)
	}
	if status := c.wait(); status == 0 || !strings.Contains(c.output(), "hook cleanup.d/50-probe") {
		t.Errorf("status %d:\n%s", status, c.output())
	}
	w.assertClean()
}

// Ctrl-C at the question ends the build as elsewhere.
func TestAccBreakIsInterrupted(t *testing.T) {
	needPacker(t)
	t.Parallel()
	w := newWorkspace(t)
	c := atTerminal(t, w.dir, w.env("break=after-install,after-error"), "build", w.template(probed, ""))
	c.expect("Stopped at after-install.")
	c.expect("Press enter to go on.")
	c.press(interruptKey)
	if status := c.wait(); status == 0 || strings.Contains(c.output(), "Stopped at after-error") || strings.Contains(c.output(), "nobody can be asked") {
		t.Errorf("status %d:\n%s", status, c.output())
	}
	w.assertClean()
}
