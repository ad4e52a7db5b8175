// SPDX-License-Identifier: MPL-2.0

//go:generate packer-sdc mapstructure-to-hcl2 -type Config
//go:generate packer-sdc struct-markdown

package elements

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"

	"github.com/hashicorp/packer-plugin-sdk/template/config"

	builtin "github.com/seed-736dd801/packer-plugin-diskimage/elements"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/pipeline"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// Config is the template's `data "diskimage-elements"` block. Its attributes are
// those of the builder with the same names, so that both resolve alike.
type Config struct {
	// The elements that make the image, as the builder's `elements`.
	Elements []string `mapstructure:"elements" required:"true"`
	// Directories with elements of your own. Earlier ones win over later ones,
	// all of them over `ELEMENTS_PATH` of the environment, and that over the
	// built-in elements.
	ElementPaths []string `mapstructure:"element_paths"`
	// Variables for the elements' hooks, such as `DIB_RELEASE`. They win over
	// the environment that Packer was started with. A `DIB_*` variable that
	// neither an element of the image nor the builder reads is in `warnings`.
	Environment map[string]string `mapstructure:"environment"`
	// The architecture in Debian's naming, such as `amd64` or `arm64`. The
	// default is that of the host.
	Architecture string `mapstructure:"architecture"`
	// Do not add the element `base`.
	SkipBase bool `mapstructure:"skip_base"`
	// Infrastructure elements (`package-installs`, `pkg-map`, …) that are to be
	// taken from `element_paths` although the builder has its own.
	PathInfrastructure []string `mapstructure:"path_infrastructure"`
	// The builder's `dib_compat`; here it decides how package lists are read.
	DIBCompat bool `mapstructure:"dib_compat"`
	// How elements are installed that leave it open, the builder's
	// `install_type`. The default is `DIB_DEFAULT_INSTALLTYPE`, then `source`.
	InstallType string `mapstructure:"install_type"`
	// The root file system's type where the layout leaves it open, the
	// builder's `root_fs`.
	RootFS string `mapstructure:"root_fs"`
	// The root file system's label, the builder's `root_label`.
	RootLabel string `mapstructure:"root_label"`

	// Source the elements' environment.d files with bash, as a build does before
	// its hooks run, and decide all conditions of package lists. Linux only,
	// needs bash and no root. The files are code of the elements and run with
	// your rights; see "Evaluating" below.
	Evaluate bool `mapstructure:"evaluate"`
}

// unknown is what Packer writes for strings that it does not know yet, when a
// template is validated.
const unknown = "<unknown>"

// decode reads the template's block. Packer has evaluated it: {{ }} is for hooks.
func (c *Config) decode(raws ...interface{}) error {
	return config.Decode(c, &config.DecodeOpts{PluginType: "diskimage-elements"}, raws...)
}

// known tells whether all values are those of the template. While it is
// validated those that depend on other data sources are not: of strings Packer
// writes so, and whole lists are empty then.
func (c *Config) known() bool {
	values := slices.Concat([]string{c.Architecture, c.InstallType, c.RootFS, c.RootLabel},
		c.Elements, c.ElementPaths, c.PathInfrastructure, slices.Collect(maps.Values(c.Environment)))
	return !slices.Contains(values, unknown) && !emptied(c.Elements) && !emptied(c.ElementPaths)
}

// emptied tells an empty list from none.
func emptied(list []string) bool { return list != nil && len(list) == 0 }

// plan resolves as the builder does. What is wrong comes back all at once.
func (c *Config) plan(caller pipeline.Environment) (*plan.Plan, error) {
	env := caller.With(c.Environment)
	for _, d := range []struct {
		value    *string
		defaults []string
	}{
		{&c.Architecture, []string{plan.HostArchitecture()}},
		{&c.InstallType, []string{env["DIB_DEFAULT_INSTALLTYPE"], "source"}},
		{&c.RootFS, []string{env["FS_TYPE"]}},
		{&c.RootLabel, []string{env["ROOT_LABEL"]}},
	} {
		for _, value := range d.defaults {
			if *d.value == "" {
				*d.value = value
			}
		}
	}
	wrong := c.check()
	if len(c.Elements) == 0 {
		return nil, errors.Join(wrong...)
	}
	made, err := plan.Make(builtin.FS(), plan.Request{
		Elements: c.Elements, ElementPaths: plan.SearchPath(c.ElementPaths, env), SkipBase: c.SkipBase,
		PathInfrastructure: c.PathInfrastructure, Architecture: c.Architecture, Environment: env,
		Given: slices.Collect(maps.Keys(c.Environment)), RootFS: c.RootFS, RootLabel: c.RootLabel, Compat: c.DIBCompat,
		ImageName: "image",
	}, plan.Inventory{OS: runtime.GOOS, Architecture: plan.HostArchitecture()})
	return made, errors.Join(append(wrong, err)...)
}

// check finds what is wrong with attributes by themselves.
func (c *Config) check() []error {
	var wrong []error
	add := func(attribute string, err error) {
		if err != nil {
			wrong = append(wrong, &plan.AttributeError{Attribute: attribute, Err: err})
		}
	}
	if len(c.Elements) == 0 {
		add("elements", errors.New("name at least one element, such as \"debian-minimal\""))
	}
	add("architecture", plan.CheckArchitecture(c.Architecture))
	for _, err := range plan.CheckVariableNames(c.Environment) {
		add("environment", err)
	}
	if c.Evaluate && runtime.GOOS != "linux" {
		add("evaluate", fmt.Errorf("environment.d files are sourced on Linux; this is %s: leave evaluate out, and conditions are shown undecided", runtime.GOOS))
	}
	return wrong
}

// callerEnvironment is what hooks would inherit from the one who started packer.
func callerEnvironment() pipeline.Environment {
	return pipeline.CallerEnvironment(os.Environ(), nil)
}
