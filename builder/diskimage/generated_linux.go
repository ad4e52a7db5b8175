// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"fmt"
	"log"
	"path/filepath"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox"
)

// generatedData are the values of generatedVariables for provisioners.
func (b *Builder) generatedData(build *pipeline.Build) map[string]interface{} {
	imagePath := noImage
	if files := b.plan.Output.Files; len(files) > 0 {
		imagePath = filepath.Join(b.config.OutputDirectory, files[0].Name)
	}
	path := build.MountPath()
	if pid := sandbox.Current().HostPID; pid != 0 {
		path = fmt.Sprintf("/proc/%d/root%s", pid, path)
	}
	system, err := build.OS()
	if err != nil {
		// A description is no reason for a build to fail.
		log.Printf("[WARN] %s", err)
	}
	return map[string]interface{}{
		"MountPath":       path,
		"ImagePath":       imagePath,
		"OutputDirectory": b.config.OutputDirectory,
		"ImageSHA256":     noDigestYet,
		"SourceImageURL":  publicSource(b.config.SourceImage),
		"Elements":        strings.Join(b.config.Elements, ","),
		"Distribution":    system.ID,
		"Release":         system.Release(),
		"Architecture":    b.config.Architecture,
		"OSType":          "Linux",
		"OSArch":          machineName(b.config.Architecture),
	}
}
