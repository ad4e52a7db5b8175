// SPDX-License-Identifier: MPL-2.0

package diskimage

import (
	"os"
	"runtime"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/image"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox"
)

// takeInventory looks at what this host has for a request.
func takeInventory(r request) plan.Inventory {
	inventory := plan.Inventory{
		OS:           runtime.GOOS,
		Architecture: plan.HostArchitecture(),
		Root:         os.Geteuid() == 0,
		Programs:     findPrograms(pipeline.HostPath(r.Environment["PATH"])),
		FreeSpace:    map[string]int64{},
	}
	if status := sandbox.Current(); !status.Isolated {
		inventory.NotIsolated = status.Reason
	}
	var names []string
	for _, f := range r.Formats {
		names = append(names, r.ImageName+f.Extension())
	}
	names = append(names, r.Seed.Files...)
	existing, err := image.Existing(r.OutputDirectory, names)
	if err != nil {
		inventory.Trouble = append(inventory.Trouble, "output_directory: "+err.Error())
	}
	inventory.ExistingOutputs = existing
	lookAtKernel(&inventory, r)
	return inventory
}

func findPrograms(path string) map[string]string {
	found := map[string]string{}
	for _, name := range plan.Programs() {
		if file, err := command.LookPath(name, path); err == nil {
			found[name] = file
		}
	}
	return found
}
