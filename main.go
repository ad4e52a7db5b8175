// SPDX-License-Identifier: MPL-2.0

// Command packer-plugin-diskimage is a Packer plugin that builds Linux disk
// images from diskimage-builder elements, the helper commands that hooks of
// those elements call, and "convert", which makes templates of calls of
// disk-image-create.
package main

import (
	"fmt"
	"os"

	"github.com/hashicorp/packer-plugin-sdk/plugin"

	"github.com/seed-736dd801/packer-plugin-diskimage/builder/diskimage"
	"github.com/seed-736dd801/packer-plugin-diskimage/datasource/elements"
	seed "github.com/seed-736dd801/packer-plugin-diskimage/datasource/nocloud"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/convert"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/guest"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox"
	"github.com/seed-736dd801/packer-plugin-diskimage/provisioner/nocloud"
	"github.com/seed-736dd801/packer-plugin-diskimage/version"
)

func main() {
	os.Exit(run())
}

// run is main with an exit status. Called under the name of a helper command
// it is that command. Started by Packer as a builder it first moves into
// namespaces of its own.
func run() int {
	if status, handled := guest.Main(os.Args); handled {
		return status
	}
	if status, handled := sandbox.Enter(os.Args[1:]); handled {
		return status
	}
	if len(os.Args) > 1 && os.Args[1] == "convert" {
		return convertTemplates(os.Args[2:])
	}
	set := plugin.NewSet()
	set.SetVersion(version.PluginVersion)
	set.RegisterBuilder(plugin.DEFAULT_NAME, new(diskimage.Builder))
	set.RegisterDatasource("elements", new(elements.Datasource))
	set.RegisterDatasource("nocloud", new(seed.Datasource))
	set.RegisterProvisioner("nocloud", new(nocloud.Provisioner))
	if err := set.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err.Error())
		return 1
	}
	return 0
}

// convertTemplates is the command for people that come from diskimage-builder.
func convertTemplates(args []string) int {
	directory, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "convert: "+err.Error())
		return convert.StatusNothing
	}
	return convert.Command{
		Arguments: args,
		Stdin:     os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Environment: os.LookupEnv,
		Directory:   directory,
		Check:       diskimage.Check,
	}.Run()
}
