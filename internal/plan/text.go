// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Text is the plan for people.
func (p *Plan) Text() string {
	var b strings.Builder
	p.writeElements(&b)
	p.writePhases(&b)
	p.writeDisk(&b)
	p.writeOutput(&b)
	for _, note := range p.Notes {
		fmt.Fprintf(&b, "Note: %s\n", note)
	}
	return strings.TrimRight(b.String(), "\n")
}

// Resolution is, for people, what the elements come to, hook by hook: no outputs,
// and nothing of this host.
func (p *Plan) Resolution() string {
	var b strings.Builder
	p.writeElements(&b)
	b.WriteString("Phases:\n")
	for _, phase := range p.Phases {
		if len(phase.Hooks) > 0 {
			fmt.Fprintf(&b, "  %s (%s)\n", phase.Name, phase.Where)
		}
		for _, h := range phase.Hooks {
			fmt.Fprintf(&b, "    %s\n", h)
		}
	}
	p.writeDisk(&b)
	return b.String()
}

// JSON is the plan for programs, indented.
func (p *Plan) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the plan as JSON: %w", err)
	}
	return append(text, '\n'), nil
}

func (p *Plan) writeElements(b *strings.Builder) {
	fmt.Fprintf(b, "Elements (%s):\n", p.Architecture)
	for _, e := range p.Elements {
		fmt.Fprintf(b, "  %-24s %s\n", e.Name, e.Because)
		if e.From != builtIn {
			fmt.Fprintf(b, "  %-24s from %s\n", "", e.From)
		}
	}
}

func (p *Plan) writePhases(b *strings.Builder) {
	b.WriteString("Phases:\n")
	for _, phase := range p.Phases {
		if len(phase.Hooks) > 0 {
			fmt.Fprintf(b, "  %-16s %-7s hooks: %d\n", phase.Name, phase.Where, len(phase.Hooks))
		}
		if phase.Name == "install.d" {
			if len(p.Packages) > 0 {
				fmt.Fprintf(b, "  %-16s %-7s %s\n", "packages", "chroot", strings.Join(p.Packages, " "))
			}
			fmt.Fprintf(b, "  %-16s %-7s Packer's, if there are any\n", "provisioners", "chroot")
		}
	}
	fmt.Fprintf(b, "  %-16s %-7s what provisioners ask for, if they do\n", "repeat", "chroot")
}

func (p *Plan) writeDisk(b *strings.Builder) {
	size := "size computed from the tree"
	if p.Disk.Bytes > 0 {
		size = Bytes(p.Disk.Bytes)
	}
	fmt.Fprintf(b, "Disk: %s, partition table %s, layout from %s\n", size, p.Disk.Table, p.Disk.From)
	for _, a := range p.Disk.Areas {
		name := a.Name
		if a.Number > 0 {
			name = fmt.Sprintf("%d %s", a.Number, a.Name)
		}
		extent := a.Size
		if a.Start > 0 || a.Bytes > 0 && p.Disk.Bytes > 0 {
			extent = Bytes(a.Bytes)
		}
		fmt.Fprintf(b, "  %-10s %-5s %-28s %-5s %-16s %s\n", name, a.Type, extent, a.Filesystem, a.Label, a.MountPoint)
	}
}

func (p *Plan) writeOutput(b *strings.Builder) {
	fmt.Fprintf(b, "Outputs in %s:\n", p.Output.Directory)
	for _, f := range p.Output.Files {
		compression := ""
		if f.Compression != "" {
			compression = " (" + f.Compression + ")"
		}
		fmt.Fprintf(b, "  %s%s\n", f.Name, compression)
	}
	for _, name := range p.Output.Beside {
		fmt.Fprintf(b, "  %s\n", name)
	}
	if len(p.Output.Files) == 0 {
		fmt.Fprintf(b, "  no image; whatever hooks put there as %s.*\n", p.Output.Name)
	}
	place := "on disk"
	if p.Workspace.MemoryBytes > 0 {
		place = "in memory, up to " + Bytes(p.Workspace.MemoryBytes)
	}
	fmt.Fprintf(b, "The tree is made %s.\n", place)
}
