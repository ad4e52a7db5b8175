// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is compressed on all processors is what gzip reads, several blocks, several
// files and none, at every level.
func TestPigz(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	large := make([]byte, 3<<20+17)
	for i := range large {
		// Not what compresses slowly: every access is watched for races.
		if i&1024 == 0 {
			large[i] = byte(random.Uint32())
		} else {
			large[i] = large[i-1024]
		}
	}
	for name, c := range map[string]struct {
		args  []string
		files []string
		input string
	}{
		"standard input": {args: []string{"-c"}, input: "text"},
		"nothing":        {input: ""},
		"one file":       {args: []string{"-9", "-c"}, files: []string{string(large)}},
		"two files":      {args: []string{"-1", "-n", "-c", "--"}, files: []string{"a", string(large)}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, nil, append([]string{pigzName}, c.args...)...)
			want := c.input
			tr.stdin = strings.NewReader(c.input)
			for i, text := range c.files {
				file := "/" + string(rune('a'+i))
				if err := os.WriteFile(filepath.Join(tr.root, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				tr.args, want = append(tr.args, file), want+text
			}
			if status := tr.serve(t); status != 0 {
				t.Fatalf("status %d: %s", status, tr.err.String())
			}
			cmd := exec.Command("gzip", "-dc")
			cmd.Stdin = bytes.NewReader(tr.out.Bytes())
			got, err := cmd.Output()
			if err != nil || string(got) != want {
				t.Errorf("gzip reads %d of %d bytes: %v", len(got), len(want), err)
			}
		})
	}
}

func TestPigzRefuses(t *testing.T) {
	for says, line := range map[string]string{
		"unknown option -d":         pigzName + " -d x",
		"unknown option -0":         pigzName + " -0",
		"unknown option --best":     pigzName + " --best",
		"no such file or directory": pigzName + " /missing",
	} {
		tr := newTrial(t, nil, strings.Fields(line)...)
		if status := tr.serve(t); status == 0 || !strings.Contains(tr.err.String(), says) {
			t.Errorf("%s: status %d, %s", line, status, tr.err.String())
		}
	}
}
