// SPDX-License-Identifier: MPL-2.0

package generalise

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/repeat"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/shell"
)

//go:embed generalise.sh
var engine string

//go:embed special.sh
var specials string

//go:embed finish.sh
var finish string

// ExitNotRoot is the script's exit status when it does not run as root.
const ExitNotRoot = 77

// Request is what a script is to do.
type Request struct {
	Operations []Operation
	// DryRun changes nothing and reports what would go.
	DryRun bool
	// Root is prefixed to every path; empty on the machine itself.
	Root string
	// Keep is a path that stays wherever it lies, such as the upload of this script.
	Keep string
	// Self is the path under which the script is found when it runs. If it is
	// set, the script only registers itself where the builder runs scripts at the end.
	Self string
}

// Script is for any POSIX shell. Its output is for ParseReport.
func (r Request) Script() []byte {
	var text strings.Builder
	shebang, body, _ := strings.Cut(engine, "\n")
	dry := ""
	if r.DryRun {
		dry = "yes"
	}
	fmt.Fprintf(&text, "%s\nroot=%s\ndry=%s\nkeep=%s\nself=%s\nregistered=%s\n", shebang, shell.Quote(r.Root), dry, shell.Quote(r.Keep), shell.Quote(r.Self), r.registered())
	text.WriteString(body + repeat.Function + specials)
	for _, op := range r.Operations {
		fmt.Fprintf(&text, "op %s\n", op.Name)
		for _, a := range op.Actions {
			text.WriteString(a.call() + "\n")
		}
	}
	text.WriteString(finish)
	return []byte(text.String())
}

// registered is the name under which the builder runs the script at the end. Each
// choice of operations has its own: two provisioners do what both of them say.
func (r Request) registered() string {
	names := make([]string, len(r.Operations))
	for i, op := range r.Operations {
		names[i] = op.Name
	}
	choice := strings.Join(names, " ")
	if r.DryRun {
		choice = "dry " + choice
	}
	h := sha256.Sum256([]byte(choice))
	return repeat.Generalise + "-" + hex.EncodeToString(h[:4])
}

// call is the action as a line of the script.
func (a Action) call() string {
	words := []string{string(a.Verb)}
	switch a.Verb {
	case RemoveAtHome:
	case Special:
		return strings.Join([]string{string(a.Verb), a.Names[0], shell.Quote(a.Dir)}, " ")
	default:
		words = append(words, shell.Quote(a.Dir))
	}
	for _, n := range a.Names {
		words = append(words, shell.Quote(n))
	}
	return strings.Join(words, " ")
}

// Count is how much an operation did, or would do.
type Count struct {
	Operation string
	Number    int
}

// Report is what a script did.
type Report struct {
	// Counts are the operations that found something, in their order.
	Counts []Count
	// Would are, of a dry run, lines "operation verb path".
	Would []string
	// Kept are lines "operation path: reason" of what stays.
	Kept []string
	// Later tells that the builder runs the script at the end, and nothing was done yet.
	Later bool
}

// Total is the number of entries of all operations.
func (r Report) Total() (n int) {
	for _, c := range r.Counts {
		n += c.Number
	}
	return n
}

// ErrNoReport means that the script did not run to its end although no failure was seen.
var ErrNoReport = errors.New("the generalising script did not report that it was done")

// ParseReport reads the script's output; other lines in it are ignored.
func ParseReport(output string) (Report, error) {
	var r Report
	done := false
	for line := range strings.SplitSeq(output, "\n") {
		fact, ok := strings.CutPrefix(strings.TrimSuffix(line, "\r"), "generalise.")
		name, value, _ := strings.Cut(fact, "=")
		if !ok {
			continue
		}
		switch name {
		case "count":
			op, number, _ := strings.Cut(value, " ")
			n, err := strconv.Atoi(number)
			if err != nil {
				return r, fmt.Errorf("the generalising script reported %q: %w", line, err)
			}
			r.Counts = append(r.Counts, Count{op, n})
		case "would":
			r.Would = append(r.Would, value)
		case "kept":
			r.Kept = append(r.Kept, value)
		case "later":
			r.Later = true
		case "done":
			done = true
		}
	}
	if !done {
		return r, ErrNoReport
	}
	return r, nil
}
