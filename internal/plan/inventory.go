// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/image"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/layout"
)

// Inventory is what a plan has to know of a host. Golden tests fix it.
type Inventory struct {
	// OS and Architecture are Go's GOOS and a Debian architecture name.
	OS, Architecture string
	// Root is true for the user with uid 0.
	Root bool
	// NotIsolated says why namespaces are not to be had, "" if they are.
	NotIsolated string
	// NoLoop says why loop devices are not to be had, "" if they are.
	NoLoop string
	// Programs maps the programs that are on PATH to their files.
	Programs map[string]string
	// MemoryAvailable is the memory that is free or can be freed, in bytes.
	MemoryAvailable int64
	// FreeSpace is what the file systems of directories have free, in bytes,
	// keyed by attribute: work_directory, output_directory.
	FreeSpace map[string]int64
	// NoExec is set if programs cannot be run from the work directory.
	NoExec bool
	// Trouble is what went wrong when looking, a sentence each.
	Trouble []string
	// ExistingOutputs are output files that are already there.
	ExistingOutputs []string
}

// HostArchitecture is the Debian name of the architecture of this program.
func HostArchitecture() string {
	switch runtime.GOARCH {
	case "386":
		return "i386"
	case "arm":
		return "armhf"
	case "ppc64le":
		return "ppc64el"
	}
	return runtime.GOARCH
}

// Limits for the work of a build, in bytes.
const (
	// leastSpace must be free in a directory that a tree or image is made in.
	leastSpace = 1 << 30
	// memoryForTree must be available before the tree is put into memory, and
	// memoryShare is the part of it that the tree may fill.
	memoryForTree = 4 << 30
	memoryShare   = 0.6
)

// problems lists what keeps this host from carrying out the plan.
func (h Inventory) problems(p *Plan) []string {
	if h.OS != "linux" {
		return []string{fmt.Sprintf("images are built on Linux; this is %s (validating templates works everywhere)", h.OS)}
	}
	var found []string
	if !h.Root {
		found = append(found, "building needs root: run packer with sudo, or as root in a privileged container")
	} else if h.NotIsolated != "" {
		found = append(found, h.NotIsolated)
	}
	if h.Root && h.NoLoop != "" {
		found = append(found, h.NoLoop)
	}
	if h.Architecture != p.Architecture {
		found = append(found, fmt.Sprintf("architecture: this host is %s and cannot run programs of %s; build on a host of that architecture", h.Architecture, p.Architecture))
	}
	found = append(found, h.Trouble...)
	found = append(found, missingTools(p.Tools)...)
	found = append(found, h.spaceProblems(p)...)
	if h.NoExec && p.Workspace.MemoryBytes == 0 {
		found = append(found, "work_directory: its file system is mounted noexec, so that no hook could run; set work_directory to a directory of another one")
	}
	if len(h.ExistingOutputs) > 0 && len(p.Output.Files) > 0 && !p.request.Force {
		found = append(found, fmt.Sprintf("output_directory: already there: %s; packer build -force replaces them", strings.Join(h.ExistingOutputs, ", ")))
	}
	return found
}

func missingTools(tools []Tool) []string {
	var found []string
	for _, t := range tools {
		if t.Found == "" {
			found = append(found, fmt.Sprintf("%s is missing, which %s needs; Debian has it in package %s", strings.Join(t.Names, " or "), t.For, t.Package))
		}
	}
	return found
}

func (h Inventory) spaceProblems(p *Plan) []string {
	var found []string
	for _, attribute := range []string{"output_directory", "work_directory"} {
		free, known := h.FreeSpace[attribute]
		if attribute == "work_directory" && p.Workspace.MemoryBytes > 0 {
			continue
		}
		if known && free < leastSpace && free < p.request.leastNeeded() {
			found = append(found, fmt.Sprintf("%s: only %s free on its file system; free space there or set %s to a directory of a larger one",
				attribute, Bytes(free), attribute))
		}
	}
	return found
}

// leastNeeded is a lower bound for the space that the work will take: trees
// made without a network can be tiny, so only a size that was asked for counts.
func (r Request) leastNeeded() int64 {
	if r.DiskSize > 0 && r.DiskSize < leastSpace {
		return r.DiskSize / 4
	}
	return leastSpace / 8
}

func (p *Plan) planWorkspace(host Inventory) {
	p.Workspace.ImageCache = p.request.ImageCache
	share := int64(float64(host.MemoryAvailable) * memoryShare)
	switch p.request.Memory {
	case MemoryAlways:
		p.Workspace.MemoryBytes = share
	case MemoryAuto, "":
		if host.MemoryAvailable >= memoryForTree {
			p.Workspace.MemoryBytes = share
		}
	}
}

// toolsOf lists the programs that the plan's parts start on the host.
func (p *Plan) toolsOf() []Tool {
	tools := []Tool{{Names: []string{"bash"}, For: "running hooks", Package: "bash"}}
	if p.Set.Contains("debootstrap") {
		tools = append(tools, Tool{Names: []string{"mmdebstrap", "debootstrap"}, For: "element debootstrap", Package: "mmdebstrap"})
	}
	programs := map[string]Tool{
		"ext":  {Names: []string{"mke2fs"}, Package: "e2fsprogs"},
		"xfs":  {Names: []string{"mkfs.xfs"}, Package: "xfsprogs"},
		"swap": {Names: []string{"mkswap"}, Package: "util-linux"},
	}
	seen := map[string]bool{}
	for _, fs := range p.Layout.FileSystems {
		kind := fs.Type
		if layout.IsExt(fs.Type) {
			kind = "ext"
		}
		tool, needed := programs[kind]
		if needed && !seen[kind] {
			seen[kind] = true
			tool.For = fmt.Sprintf("the %s file system %q", fs.Type, fs.Name)
			tools = append(tools, tool)
		}
	}
	for _, f := range p.Output.Files {
		if f.Format == image.QCOW2 {
			tools = append(tools, Tool{Names: []string{"qemu-img"}, For: "format " + string(f.Format), Package: "qemu-utils"})
			break
		}
	}
	return tools
}

func (p *Plan) planTools(host Inventory) {
	p.Tools = p.toolsOf()
	for i, t := range p.Tools {
		for _, name := range t.Names {
			if _, ok := host.Programs[name]; ok {
				p.Tools[i].Found = name
				break
			}
		}
	}
	_, hasSudo := host.Programs["sudo"]
	p.SudoMissing = !hasSudo
}

// Programs are the names that an inventory should look for.
func Programs() []string {
	return []string{"bash", "mmdebstrap", "debootstrap", "mke2fs", "mkfs.xfs", "mkswap", "qemu-img", "sudo"}
}
