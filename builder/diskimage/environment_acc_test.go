// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/guest"
)

// seen is what the probe of one phase wrote down.
type seen struct {
	environment map[string]string
	facts       []string
	mounts      []string
	limits      string
}

// TestAccEnvironment compares what hooks see of where they run, in every phase,
// with what they see under diskimage-builder (element contract §2.3-2.7).
// What differs is named here, with the reason.
func TestAccEnvironment(t *testing.T) {
	needDiskimageBuilder(t)
	t.Parallel()
	w := newWorkspace(t)
	elements := w.probeElement()
	env := w.env("TINY_OS_PROGRAMS=awk basename date id mktemp", "DIB_IMAGE_SIZE=1",
		"CALLERS=it's\n$HOME", "EMPTY=", "DIB_UNKNOWN=said", "USER=somebody", "LOGNAME=somebody", "HOME="+w.tmp(),
		"VIRTUAL_ENV=/nowhere", "PYTHONPATH=/nowhere", "LD_LIBRARY_PATH=/nowhere", "http_proxy=http://127.0.0.1:9/",
		"PKR_VAR_unused=packer's", "CHECKPOINT_DISABLE=1", "PACKER_NO_COLOR=1")
	theirs, ours := filepath.Join(w.dir, "theirs"), filepath.Join(w.dir, "ours")
	tiny, err := filepath.Abs("testdata/elements")
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []*exec.Cmd{
		w.diskImageCreate(append(env, "PROBE_OUT="+theirs, "ELEMENTS_PATH="+tiny+":"+elements), "-n", "-u", "-t", "raw", "-o", filepath.Join(w.tmp(), "tiny"), "tiny-os", "probe-all"),
		packerCommand(w.dir, append(env, "PROBE_OUT="+ours, "ELEMENTS_PATH="+elements), "build", w.template(`
  elements = ["tiny-os", "probe-all"]
  formats  = ["raw"]
  qcow2_compression = "none"`, "")),
	} {
		// A terminal has these, CI has not; sudo sets some in the chroot if they are not there.
		cmd.Env = slices.DeleteFunc(cmd.Env, func(entry string) bool {
			name, _, _ := strings.Cut(entry, "=")
			return slices.Contains([]string{"SHELL", "TERM", "LANG", "LC_CTYPE"}, name)
		})
		run := startCommand(t, cmd)
		if status := run.wait(); status != 0 {
			t.Fatalf("%s: status %d:\n%s", cmd, status, run.output())
		}
	}
	w.assertClean()
	for _, phase := range probedPhases {
		t.Run(phase, func(t *testing.T) {
			chroot := slices.Contains([]string{"pre-install.d", "install.d", "post-install.d", "finalise.d"}, phase)
			want, got := readSeen(t, theirs, phase), readSeen(t, ours, phase)
			compareEnvironment(t, want.environment, got.environment, chroot)
			if diff := cmp.Diff(want.normalFacts(), got.normalFacts()); diff != "" {
				t.Errorf("facts (-theirs +ours):\n%s", diff)
			}
			if diff := cmp.Diff(want.normalMounts(), got.normalMounts()); diff != "" {
				t.Errorf("mounts (-theirs +ours):\n%s", diff)
			}
			// In the chroot theirs are those that sudo sets.
			if diff := cmp.Diff(want.limits, got.limits); diff != "" && !chroot {
				t.Errorf("limits (-theirs +ours):\n%s", diff)
			}
		})
	}
}

// probeElement makes an element whose hooks in all phases are the probe.
func (w workspace) probeElement() (path string) {
	w.t.Helper()
	path = filepath.Join(w.dir, "elements")
	for source, names := range map[string][]string{"probe": probedPhases, "50-probe.bash": {"environment.d"}} {
		text, err := os.ReadFile(filepath.Join("testdata/environment", source))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, dir := range names {
			target := filepath.Join(path, "probe-all", dir)
			if err := os.MkdirAll(target, 0o755); err != nil {
				w.t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(target, "50-probe"), text, 0o755); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return path
}

func readSeen(t *testing.T, dir, phase string) seen {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, phase, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	s := seen{environment: map[string]string{}}
	for entry := range strings.SplitSeq(strings.TrimSuffix(read("environ"), "\x00"), "\x00") {
		name, value, _ := strings.Cut(entry, "=")
		s.environment[name] = value
	}
	s.facts = strings.Split(strings.TrimSpace(read("facts")), "\n")
	s.mounts = strings.Split(strings.TrimSpace(read("mounts")), "\n")
	s.limits = read("limits")
	return s
}

// normal replaces what differs from run to run: temporary directories, loop
// devices, and where the elements and the library are.
func (s seen) normal(text string) string {
	build := s.environment["TMP_BUILD_DIR"]
	text = strings.NewReplacer(
		s.environment["_LIB"], "<lib>",
		upstreamElements, "<elements>", build+"/elements", "<elements>",
		build, "<build>", s.environment["TMP_IMAGE_DIR"], "<image>",
	).Replace(text)
	return regexp.MustCompile(`/dev/loop\d+`).ReplaceAllString(text, "/dev/loop#")
}

// differentEnvironment are the variables that differ, with the reason; what is
// left of a value must be equal.
var differentEnvironment = map[string]func(value string) string{
	// There is no command line: ours are the elements.
	"DIB_ARGS": func(string) string { return "" },
	// Theirs names the two variables that its own start sets.
	"DIB_ENV": func(value string) string {
		return regexp.MustCompile(`(?m)^declare -x DIB_(ARGS|PYTHON_EXEC)=.*\n?`).ReplaceAllString(value+"\n", "")
	},
	// Of 3.42; 3.13 does not have it.
	"DIB_BOOT_LABEL": func(string) string { return "" },
	// No Python is needed: ours is a program of the plugin.
	"DIB_PYTHON_EXEC": func(string) string { return "" },
	// The order of a hash table, and of dependencies.
	"IMAGE_ELEMENT":      sortedWords,
	"IMAGE_ELEMENT_YAML": sortedWords,
	// Outputs appear whole: what hooks write there is moved at the end.
	"IMAGE_NAME": filepath.Base,
	// Theirs traces environment.d always, ours if hooks are traced, too; ours is
	// a program of bash -c.
	"PROBE_OPTIONS": strings.NewReplacer("x", "", "c", "").Replace,
	// Theirs names environment.d by way of the phase's directory.
	"PROBE_SOURCED": func(value string) string {
		return regexp.MustCompile(`/[a-z-]+\.d/\.\./`).ReplaceAllString(value, "/")
	},
	// How many shells are around a hook.
	"SHLVL": func(string) string { return "" },
	// Where the probe writes.
	"PROBE_OUT": func(string) string { return "" },
	// The path begins with four characters that upstream means as a variable.
	"PATH": func(value string) string { return strings.TrimPrefix(value, "$PATH:") },
	// Exported functions: what they do is among the facts.
	"BASH_FUNC_die%%":                     func(string) string { return "" },
	"BASH_FUNC__ps4%%":                    func(string) string { return "" },
	"BASH_FUNC_get_image_element_array%%": func(string) string { return "" },
}

func sortedWords(value string) string {
	return strings.Join(slices.Sorted(strings.FieldsSeq(value)), " ")
}

func compareEnvironment(t *testing.T, want, got map[string]string, chroot bool) {
	t.Helper()
	normal := func(environment map[string]string) map[string]string {
		all := map[string]string{}
		for name, value := range environment {
			value = seen{environment: environment}.normal(value)
			if equal, ok := differentEnvironment[name]; ok {
				value = equal(value)
			}
			all[name] = value
		}
		return all
	}
	w, g := normal(want), normal(got)
	// Packer's own are no business of hooks (design, "Environment").
	maps.DeleteFunc(w, func(name, _ string) bool {
		return strings.HasPrefix(name, "PACKER_") || strings.HasPrefix(name, "PKR_VAR_")
	})
	// Python, which starts theirs, sets it where nobody has a locale.
	delete(w, "LC_CTYPE")
	delete(g, "DIB_BOOT_LABEL")
	if chroot {
		// Nothing calls sudo.
		maps.DeleteFunc(w, func(name, _ string) bool { return strings.HasPrefix(name, "SUDO_") })
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("environment (-theirs +ours):\n%s", diff)
	}
}

// normalFacts leaves out what is known to differ.
func (s seen) normalFacts() []string {
	var facts []string
	for _, fact := range s.facts {
		fact = s.normal(fact)
		switch {
		case strings.HasPrefix(fact, "signals SigIgn:"):
			// Python, which starts theirs, ignores two signals more.
			continue
		case strings.HasPrefix(fact, "tree ../dib-run-parts "):
			// Theirs is there from the first phase in the chroot on.
			continue
		case fact == "descriptor 3" || fact == "descriptor 4":
			// Theirs leak from the driver.
			continue
		}
		facts = append(facts, fact)
	}
	return facts
}

// normalMounts are mount points and file systems in the image's tree; of the
// host's there are others'.
func (s seen) normalMounts() []string {
	var mounts []string
	for _, line := range s.mounts {
		left, right, _ := strings.Cut(line, " - ")
		point, kind := strings.Fields(left)[4], strings.Fields(right)[0]
		inside := s.environment["TARGET_ROOT"] == "" && s.environment["HOME"] == "/root"
		tree := s.environment["TMP_MOUNT_PATH"]
		switch {
		case !inside && point != tree && !strings.HasPrefix(point, tree+"/"):
			continue
		case strings.HasSuffix(point, "/sys/firmware"):
			// Whether the build host has EFI is hidden (§11, 28).
			continue
		case point == "/tmp/in_target.d/.helper", point == "/tmp/in_target.d/.initramfs.d", point == "/tmp/in_target.d/"+guest.ChatterLog:
			// The helper commands, their log and the notes of mkinitramfs, for the time of a phase.
			continue
		case strings.HasSuffix(point, "/dev"):
			// The needed devices only (§11, 26).
			kind = "devices"
		}
		mounts = append(mounts, strings.TrimPrefix(point, tree)+" "+kind)
	}
	return slices.Compact(slices.Sorted(slices.Values(mounts)))
}
