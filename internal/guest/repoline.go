// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// repository is one line of a source-repository file after evaluation, with the
// overrides of the environment (element contract §4.4).
type repository struct {
	name, kind, dest, location, ref string
	relocated                       bool // location comes from DIB_REPOLOCATION_…
}

// repositoryLine is name, type, absolute destination, location, ref; only the
// first two must be there. Leftmost-longest, as bash matches.
// A line may hold line ends, which [^ ] would leave out here.
var repositoryLine = regexp.MustCompilePOSIX(strings.ReplaceAll(
	`^([^ ]+) (git|tar|file|package) ?(/[^ ]+)? ?([^ ]+)? ?([^ ]*)$`, "[^ ]", "[\x01-\x1f!-\U0010ffff]"))

// parseRepository reads an evaluated line and applies the overrides that getenv finds.
func parseRepository(line string, getenv func(name, fallback string) string) (repository, error) {
	m := repositoryLine.FindStringSubmatch(line)
	if m == nil || len(m[0]) != len(line) {
		return repository{}, fmt.Errorf("line: Couldn't parse '%s' as a source repository; it must be: NAME git|tar|file|package /DESTINATION LOCATION [REF]", line)
	}
	r := repository{name: m[1], kind: m[2], dest: m[3], location: m[4], ref: m[5]}
	r.kind = getenv("DIB_REPOTYPE_"+r.variable(), r.kind)
	if location := getenv("DIB_REPOLOCATION_"+r.variable(), ""); location != "" {
		r.location, r.relocated = location, true
	}
	if r.ref == "" {
		r.ref = map[string]string{"git": "master", "tar": "*"}[r.kind]
	}
	r.ref = getenv("DIB_REPOREF_"+r.variable(), r.ref)
	return r, nil
}

// variable is the name as it stands in names of variables and of cache files.
func (r repository) variable() string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, r.name)
}

// digest tells locations apart in the cache.
func (r repository) digest() string {
	sum := sha1.Sum([]byte(r.kind + "_" + r.location + "\n"))
	return hex.EncodeToString(sum[:])
}

// cacheName is the name in the cache; readable, and unique by the location.
func (r repository) cacheName() string { return r.variable() + "_" + r.digest() }

// repositoryBase is what DIB_GITREPOBASE takes the place of: scheme, host and a
// user's directory.
var repositoryBase = regexp.MustCompilePOSIX(`^[^:]+://[^/]+/(~[^/]+)?(.*)$`)

// rebase moves a git location to another base, which brings its own slash at
// the end ("https://host/").
func rebase(location, base string) string {
	m := repositoryBase.FindStringSubmatch(location)
	if m == nil {
		return location
	}
	if strings.HasSuffix(base, "/") {
		return base + strings.TrimPrefix(m[2], "/")
	}
	return base + m[2]
}

// evaluateScript prints each line of standard input as the shell evaluates it:
// variables and commands in source-repository files are part of the contract.
// Globbing is off, since "*" is a ref.
const evaluateScript = `set -euf -o pipefail
while read line || [ -n "$line" ]; do
    value=$(eval echo $line </dev/null)
    printf '%s\0' "$value"
done`

// evaluateLines returns the lines of a source-repository file after evaluation,
// without those that are empty then.
func (c *call) evaluateLines(ctx context.Context, file string) ([]string, error) {
	doc, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer doc.Close()
	var out strings.Builder
	err = c.runner.Run(ctx, command.Command{
		Path: "bash", Args: []string{"-c", evaluateScript}, Env: c.env, Stdin: doc, Stdout: &out, Stderr: c.stderr,
	})
	if err != nil {
		return nil, fmt.Errorf("evaluating the lines of %s: %w", file, err)
	}
	var lines []string
	for line := range strings.SplitSeq(out.String(), "\x00") {
		if line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines, nil
}
