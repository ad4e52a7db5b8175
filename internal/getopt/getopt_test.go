// SPDX-License-Identifier: MPL-2.0

package getopt

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	o := Options{
		Flags:  []string{"-x", "-u", "--offline"},
		Values: []string{"-p", "--image-size", "--image-cache", "--mkfs-options"},
		Late:   []string{"--mkfs-journal-size", "--image-extra-size"},
	}
	for line, want := range map[string]Parsed{
		"-x a -xx b":               {[]Setting{{"-x", ""}, {"-x", ""}, {"-x", ""}}, []string{"a", "b"}},
		"-p a -pb -xpc":            {[]Setting{{"-p", "a"}, {"-p", "b"}, {"-x", ""}, {"-p", "c"}}, nil},
		"-p -x - -- -u --":         {[]Setting{{"-p", "-x"}}, []string{"-", "-u", "--"}},
		"--off --image-s=1=2":      {[]Setting{{"--offline", ""}, {"--image-size", "1=2"}}, nil},
		"--image-size= a":          {[]Setting{{"--image-size", ""}}, []string{"a"}},
		"--mkfs 1 --mkfs-j 2":      {[]Setting{{"--mkfs-options", "1"}, {"--mkfs-journal-size", "2"}}, nil},
		"--image-extra-size 1":     {[]Setting{{"--image-extra-size", "1"}}, nil},
		"--image-size --image-e=3": {[]Setting{{"--image-size", "--image-e=3"}}, nil},
	} {
		got, err := o.Parse(strings.Fields(line))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", line, err, diff)
		}
	}
	for line, want := range map[string]string{
		"--image 1": "--image-size, --image-cache", "-z": "unknown option -z", "-p": "needs a value", "--mkfs": "needs a value",
		"--offline=": "takes no value", "--nope": "unknown option --nope",
	} {
		if _, err := o.Parse(strings.Fields(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}
