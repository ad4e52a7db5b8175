// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"errors"
	"strings"
)

// Change is what became of a file or directory.
type Change string

// Changes, as the script says them.
const (
	Installed Change = "installed"
	Unchanged Change = "unchanged"
	Removed   Change = "removed"
	None      Change = "none"
	// Kept is somebody else's IdentifyFile.
	Kept Change = "kept"
	// Late is an IdentifyFile that would be needed, were the datasource pinned.
	Late Change = "late"
)

// Proof is what the target's ds-identify said about the seed. What it does not
// find fails the script.
type Proof string

// Proofs, as the script says them.
const (
	Found Proof = "found"
	// Missing: there is no ds-identify on the target.
	Missing Proof = "missing"
	// Unclear: it said nothing of NoCloud at all.
	Unclear Proof = "unknown"
)

// Report is what the script did and saw. Paths are the target's.
type Report struct {
	// Seed is Installed or Unchanged; Pin may also be Removed or None, and
	// Identify empty where IdentifyFile does not matter.
	Seed, Pin, Identify Change
	// Replaced: another seed was there.
	Replaced bool
	// Acted: cloud-init has run on this machine for this instance-id.
	Acted bool
	// Absent: no cloud-init is installed. Disabled: /etc/cloud/cloud-init.disabled exists.
	Absent, Disabled bool
	// Enabled are the files that were removed and units that were enabled so that
	// cloud-init is started; Off and Masked are units and scripts that are not.
	Enabled, Off, Masked []string
	// Units is how cloud-init is started: "several" or "one" (process), "scripts"
	// or "none".
	Units string
	// NoNetcat: its units need nc, which is missing.
	NoNetcat bool
	// Overridden are configuration files that are read after PinFile and set
	// the datasource list again. List is the one that leaves NoCloud out, when
	// nothing is pinned.
	Overridden []string
	List       string
	// Network, Cache, Inline and Second are files of configuration that make the
	// seed's network-config, or all of it, count for less or nothing.
	Network, Cache, Inline, Second []string
	// ArgumentDisabled and ArgumentDatasource are boot loaders' files with
	// arguments for cloud-init.
	ArgumentDisabled, ArgumentDatasource []string
	// Version is cloud-init's, with the package's revision where known. Machine
	// is `uname -m`, OS the ID and VERSION_ID of os-release.
	Version, Machine, OS string
	// Renderer is what sets up the network there as cloud-init says: "netplan",
	// "ifupdown" or "other". Lacking are programs that ifupdown would need.
	Renderer string
	Lacking  []string
	// Judged are the documents that the target's own schema was asked about.
	Judged []Verdict
	// Proof is ds-identify's word; Chosen is what it would choose with the
	// configuration as it is.
	Proof  Proof
	Chosen string
}

// Verdict is what the target's own `cloud-init schema` said of a document.
type Verdict struct {
	// File is its name beside the script.
	File string
	// Result is "passed", "refused", "failed" (it could not judge) or "no"
	// (this version cannot).
	Result string
	// Said is its output, which repeats values of the document: never show it.
	Said string
}

// ErrNoReport means that the script did not run to its end although no failure was seen.
var ErrNoReport = errors.New("the installing script did not report that it was done")

// ParseReport reads the script's output; other lines in it are ignored. With
// ErrNoReport comes what was said until then.
func ParseReport(output string) (Report, error) {
	var r Report
	var done bool
	said := map[string]string{}
	for line := range strings.SplitSeq(output, "\n") {
		fact, ok := strings.CutPrefix(strings.TrimSuffix(line, "\r"), "nocloud.")
		name, value, _ := strings.Cut(fact, "=")
		switch {
		case !ok:
		case name == "done":
			done = value == "yes"
		case name == "schema":
			file, text, _ := strings.Cut(value, ":")
			said[file] += text + "\n"
		case name == "judged":
			file, result, _ := strings.Cut(value, ":")
			r.Judged = append(r.Judged, Verdict{file, result, said[file]})
		default:
			r.note(name, value)
		}
	}
	if !done || r.Seed == "" || r.Pin == "" {
		return r, ErrNoReport
	}
	return r, nil
}

// note keeps one fact.
func (r *Report) note(name, value string) {
	if list := map[string]*[]string{
		"enabled": &r.Enabled, "off": &r.Off, "masked": &r.Masked, "overridden": &r.Overridden,
		"network": &r.Network, "cache": &r.Cache, "inline": &r.Inline, "second": &r.Second,
		"lacking": &r.Lacking, "argument_disabled": &r.ArgumentDisabled, "argument_datasource": &r.ArgumentDatasource,
	}[name]; list != nil {
		*list = append(*list, value)
	}
	if text := map[string]*string{
		"units": &r.Units, "list": &r.List, "version": &r.Version, "machine": &r.Machine, "os": &r.OS, "chosen": &r.Chosen,
		"renderer": &r.Renderer,
	}[name]; text != nil {
		*text = value
	}
	switch name {
	case "seed":
		r.Seed = Change(value)
	case "pin":
		r.Pin = Change(value)
	case "identify":
		r.Identify = Change(value)
	case "proof":
		r.Proof = Proof(value)
	case "absent":
		r.Absent = true
	case "disabled":
		r.Disabled = true
	case "acted":
		r.Acted = true
	case "replaced":
		r.Replaced = true
	case "netcat":
		r.NoNetcat = true
	}
}
