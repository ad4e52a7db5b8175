// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// bootstrapText is what a bootstrap and an installation print, shortened.
const bootstrapText = `I: running apt-get update...
Get:1 http://deb.example/debian bookworm InRelease [151 kB]
Fetched 9775 kB in 12s (803 kB/s)
W: Download is performed unsandboxed as root
The following NEW packages will be installed:
  bash libgpg-error0
0 upgraded, 61 newly installed, 0 to remove and 0 not upgraded.
Need to get 22.3 MB of archives.
After this operation, 90.0 MB of additional disk space will be used.
Get:1 http://deb.example/debian bookworm/main amd64 libgpg-error0 amd64 1.46-1 [76.9 kB]
Err:2 http://deb.example/debian bookworm/main amd64 bash amd64 5.2.15
  404  Not Found
Fetched 22.3 MB in 0s (71.9 MB/s)
Fetched 22.3 MB in 0s (71.9 MB/s)
/usr/bin/dpkg --status-fd 13 --no-triggers --configure libgpg-error0:amd64
dpkg: regarding .../bash_5.2.15-2+b13_amd64.deb containing bash, pre-dependency problem:
 bash pre-depends on libc6 (>= 2.36)
  libc6:amd64 is unpacked, but has never been configured.

dpkg: warning: ignoring pre-dependency problem!
Selecting previously unselected package bash.
dpkg: regarding .../x.deb containing x, pre-dependency problem:
 x pre-depends on y
dpkg: error processing archive x.deb (--unpack):
 pre-dependency problem - not installing x
Setting up libgpg-error0 (1.46) ...
update-initramfs: Generating /boot/initrd.img
W: Possible missing firmware
1 upgraded, 34 newly installed, 2 downgraded, 1 to remove and 0 not upgraded.
Need to get 0 B/10.1 MB of archives.
After this operation, 1 kB of additional disk space will be used.
0 upgraded, 0 newly installed, 0 to remove and 3 not upgraded.
`

const bootstrapDigest = `fetched 9775 kB of package lists in 12s
W: Download is performed unsandboxed as root
installing 61 packages, 22.3 MB to download
Err:2 http://deb.example/debian bookworm/main amd64 bash amd64 5.2.15
  404  Not Found
dpkg: regarding .../x.deb containing x, pre-dependency problem:
 x pre-depends on y
dpkg: error processing archive x.deb (--unpack):
 pre-dependency problem - not installing x
W: Possible missing firmware
installing 34 packages, upgrading 1 package, removing 1 package, 10.1 MB, nothing to download`

// digested is what a digest shows of a text that comes in pieces, and its log.
func digested(text string, step int, failed bool) (shown []string, log string) {
	var out strings.Builder
	now := time.Unix(0, 0)
	d := &digest{log: &out, say: func(line string) { shown = append(shown, line) }, now: func() time.Time { return now }}
	for rest := text; rest != ""; {
		n := min(len(rest), step)
		_, _ = d.Write([]byte(rest[:n]))
		rest = rest[n:]
	}
	d.end(failed)
	return shown, out.String()
}

func TestDigestShowsWhatMatters(t *testing.T) {
	for _, step := range []int{1, 7, 1 << 20} {
		shown, log := digested(bootstrapText, step, false)
		if diff := cmp.Diff(bootstrapDigest, strings.Join(shown, "\n")); diff != "" {
			t.Errorf("in pieces of %d: %s", step, diff)
		}
		if log != bootstrapText {
			t.Errorf("in pieces of %d the log says %q", step, log)
		}
	}
}

func TestDigestOfAFailureEndsWithTheLastLines(t *testing.T) {
	var text strings.Builder
	for i := range 50 {
		text.WriteString(strings.Repeat("x", i) + "\n")
	}
	shown, _ := digested(text.String(), 100, true)
	if len(shown) != digestTail || shown[digestTail-1] != strings.Repeat("x", 49) {
		t.Errorf("%q", shown)
	}
}

// A line that is drawn over itself counts as it ends, and one that never ends is no
// reason to hold all of it.
func TestDigestOfOddLines(t *testing.T) {
	shown, log := digested("E: early\r 10%\rE: late\n", 3, false)
	if len(shown) != 1 || shown[0] != "E: late" || !strings.Contains(log, "10%") {
		t.Errorf("%q, log %q", shown, log)
	}
	var out strings.Builder
	d := &digest{log: &out, say: func(string) {}, now: time.Now}
	_, _ = d.Write([]byte(strings.Repeat("x", 64<<10)))
	if out.Len() != 64<<10+1 {
		t.Errorf("%d bytes of an endless line are in the log", out.Len())
	}
}

func TestDigestTellsProgressOfLongWork(t *testing.T) {
	var shown []string
	now := time.Unix(0, 0)
	d := &digest{log: &strings.Builder{}, say: func(line string) { shown = append(shown, line) }, now: func() time.Time { return now }}
	say := func(text string, after time.Duration) {
		now = now.Add(after)
		_, _ = d.Write([]byte(text + "\n"))
	}
	say("Get:1 http://x lists", 6*time.Second)
	say("0 upgraded, 3 newly installed, 1 to remove and 0 not upgraded.", 0)
	say("Need to get 5 MB of archives.", 0)
	say("After this operation, nothing.", 0)
	say("0 upgraded, 3 newly installed, 1 to remove and 0 not upgraded.", 0)
	say("Need to get 5 MB of archives.", 0)
	say("After this operation, the same again.", 0)
	say("Get:1 http://x a", 4*time.Second)
	say("Get:2 http://x b", 2*time.Second)
	say("Unpacking a (1) ...", 5*time.Second)
	say("Unpacking b (1) ...", 5*time.Second)
	say("Setting up a (1) ...", 11*time.Second)
	say("Unpacking c (1) ...", 0)
	say("Unpacking what replaces c (1) ...", 11*time.Second)
	say("1 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.", 0)
	say("After this operation, nothing.", 0)
	say("Setting up b (1) ...", 6*time.Second)
	want := []string{"installing 3 packages, removing 1 package, 5 MB to download", "downloaded 2 of 3 packages", "unpacked 2 of 3 packages",
		"set up 1 of 3 packages", "unpacked 3 of 3 packages", "upgrading 1 package", "set up 2 of 4 packages"}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
}

// quietTrial is a call of dib-quiet for a script, with a log unless noLog.
func quietTrial(t *testing.T, script string, noLog bool, env ...string) (*trial, string) {
	t.Helper()
	hooks := t.TempDir()
	tr := newTrial(t, append(env, "PATH=/usr/bin:/bin", "TMP_HOOKS_PATH="+hooks), quietName, "sh", "-c", script)
	log := filepath.Join(hooks, ChatterLog)
	if !noLog {
		if err := os.WriteFile(log, []byte("before\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tr, log
}

func TestQuietly(t *testing.T) {
	tr, log := quietTrial(t, "echo Reading package lists; echo W: careful >&2; echo done; exit 0", false)
	status := tr.serve(t)
	text, err := os.ReadFile(log)
	if err != nil || status != 0 || tr.out.String() != "W: careful\n" || tr.err.Len() > 0 {
		t.Errorf("%d %q %q %v", status, &tr.out, &tr.err, err)
	}
	for _, want := range []string{"before\n+ sh -c ", "Reading package lists\nW: careful\ndone\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the log lacks %q: %q", want, text)
		}
	}
	tr, _ = quietTrial(t, "echo quiet; exit 100", false)
	if status := tr.serve(t); status != 100 || tr.out.String() != "quiet\n" {
		t.Errorf("%d %q", status, &tr.out)
	}
	// In the chroot the log is where the hooks are.
	tr, _ = quietTrial(t, "echo E: inside", true, "TMP_HOOKS_PATH=/of/the/host")
	inside := filepath.Join(tr.root, HooksInTarget, ChatterLog)
	if err := errors.Join(os.MkdirAll(filepath.Dir(inside), 0o755), os.WriteFile(inside, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if status := tr.serve(t); status != 0 || !strings.Contains(read(t, filepath.Dir(inside), ChatterLog), "\nE: inside\n") {
		t.Errorf("%d %q %q", status, &tr.out, &tr.err)
	}
	tr, _ = quietTrial(t, "", false)
	tr.args = []string{"no-such-program"}
	if status := tr.serve(t); status != 1 || !strings.Contains(tr.err.String(), "no-such-program") {
		t.Errorf("%d %q", status, &tr.err)
	}
}

// Without a log, and for who wants to see everything, the program takes dib-quiet's place.
func TestQuietlyShowsEverythingWhenAsked(t *testing.T) {
	for _, tc := range []struct {
		noLog bool
		env   []string
	}{{true, nil}, {false, []string{"DIB_DEBUG_TRACE=1"}}} {
		tr, _ := quietTrial(t, "echo x", tc.noLog, tc.env...)
		// exec is recorded as a failure.
		if status := tr.serve(t); status != 127 || !strings.Contains(tr.err.String(), `exec /usr/bin/sh ["-c" "echo x"]`) {
			t.Errorf("%+v: %d %q %q", tc, status, &tr.out, &tr.err)
		}
	}
}

// Nothing is lost: the log has every byte, and every line of apt's errors is shown.
func FuzzDigest(f *testing.F) {
	f.Add(bootstrapText, uint8(7), true)
	f.Add("E: x\r\nW: y\rE: z\n\n dpkg: error\x00", uint8(1), false)
	f.Add("9999999999999999999999 upgraded, 1 newly installed, 0 to remove\nAfter this operation", uint8(0), true)
	f.Fuzz(func(t *testing.T, text string, step uint8, failed bool) {
		shown, log := digested(text, int(step)+1, failed)
		whole, _ := digested(text, len(text)+1, failed)
		if log != text && log != text+"\n" || cmp.Diff(shown, whole) != "" {
			t.Errorf("%q: the log %q, shown %q, at once %q", text, log, shown, whole)
		}
		all := "\n" + strings.Join(shown, "\n") + "\n"
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			if strings.HasPrefix(line, "E: ") && !strings.Contains(line, "\r") && !strings.Contains(all, "\n"+line+"\n") {
				t.Errorf("%q is not shown", line)
			}
		}
	})
}
